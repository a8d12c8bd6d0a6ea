/**
 * The exports of other tools that are recognised, as data. Most of their columns have names that mean the same everywhere
 * (header-names.ts); here stands how an export is told, and what is particular to it.
 */
import { headerKey } from './header-names';
import type { LeadField } from './lead-fields';

export interface KnownExport {
  /** As a person calls it. */
  name: string;
  /** Sets of headers: a file that has all of any one set is this export. */
  marks: readonly (readonly string[])[];
  /** Columns that mean something else than elsewhere, or whose names nobody else uses; null: nothing of a lead. */
  columns: Readonly<Record<string, LeadField | null>>;
  /** What parts several values in a cell: lists are split, of a text the first part counts. */
  separators?: Partial<Record<LeadField, string>>;
  /** Whether lines of one cell below the rows (title, copyright, author) belong to the report and name nobody. */
  hasFooter?: true;
}

/**
 * The first that matches counts. Switchboards (`Corporate Phone`, `Company Phone`) are no way to reach one person, and fax
 * numbers none at all: those columns are left out on purpose.
 */
export const KNOWN_EXPORTS: readonly KnownExport[] = [
  {
    name: 'LinkedIn connections',
    marks: [['First Name', 'Last Name', 'Connected On']],
    columns: { URL: 'linkedinUrl' },
  },
  {
    name: 'Apollo.io people',
    marks: [
      ['Person Linkedin Url', 'Title'],
      ['Apollo Contact Id', 'Email'],
    ],
    columns: {
      'Company Name for Emails': 'companyName',
      'Corporate Phone': null,
      'Company Phone': null,
      'Facebook Url': null,
      'Twitter Url': null,
    },
    separators: { departments: ',' },
  },
  {
    name: 'Pipedrive people',
    marks: [['Person - Name'], ['Person - First name', 'Person - Last name']],
    columns: {
      'Person - Name': 'fullName',
      'Person - First name': 'firstName',
      'Person - Last name': 'lastName',
      'Person - Title': 'jobTitle',
      'Person - Job title': 'jobTitle',
      'Person - Organization': 'companyName',
      'Person - Email': 'emails',
      'Person - Email - Work': 'emails',
      'Person - Email - Home': 'emails',
      'Person - Email - Other': 'emails',
      'Person - Phone': 'phones',
      'Person - Phone - Work': 'phones',
      'Person - Phone - Mobile': 'phones',
      'Person - Phone - Home': 'phones',
      'Person - Phone - Other': 'phones',
      'Person - City': 'city',
      'Person - Country': 'country',
      'Person - LinkedIn': 'linkedinUrl',
      'Person - LinkedIn Page': 'linkedinUrl',
      'Person - LinkedIn profile': 'linkedinUrl',
      'Person - LinkedIn URL': 'linkedinUrl',
      'Person - Website': 'companyDomain',
      'Organization - Name': 'companyName',
      'Organization - Website': 'companyDomain',
      'Organization - Domain': 'companyDomain',
      'Organization - Industry': 'companyIndustry',
      'Organization - Number of employees': 'companySize',
      'Organization - Employee count': 'companySize',
      'Organization - LinkedIn profile': 'companyLinkedinUrl',
      'Organization - City/town/village/locality': 'companyCity',
      'Organization - Country': 'companyCountry',
    },
  },
  {
    name: 'HubSpot contacts',
    marks: ['Contact owner', 'Lifecycle Stage', 'Associated Company', 'Lead Status', 'Create Date'].map(
      (header) => ['Record ID', header],
    ),
    columns: {
      'Associated Company': 'companyName',
      'Primary Associated Company': 'companyName',
      'Employment Seniority': 'seniority',
      'Employment Role': 'functions',
      'Email Domain': null,
    },
    // A contact of several companies names the primary one first.
    separators: { companyName: ';' },
  },
  {
    name: 'Salesforce',
    marks: [
      ['Company / Account'],
      ['Lead Owner', 'Last Name'],
      ['Lead ID', 'Last Name'],
      ['Account Name', 'Last Name'],
      ['OwnerId', 'LastName'],
      ['LeadSource', 'LastName'],
    ],
    columns: { 'Account Owner': null, Name: 'fullName', 'Assistant Phone': null },
    hasFooter: true,
  },
  {
    name: 'LinkedIn Sales Navigator',
    marks: [
      ['profileUrl', 'companyName'],
      ['vmid'],
      ['Linkedin URL Public'],
      ['Sales Navigator URL', 'Last Name'],
    ],
    columns: {
      // The public address first: the others hold an id that only members of LinkedIn can follow.
      defaultProfileUrl: 'linkedinUrl',
      linkedInProfileUrl: 'linkedinUrl',
      profileUrl: 'linkedinUrl',
      companyUrl: null,
      'Linkedin URL Unique ID': null,
      pastExperienceCompanyName: 'previousCompanies',
    },
  },
];

/** The export whose marks are all among these headers; undefined: none that is known. */
export function recogniseExport(headers: readonly string[]): KnownExport | undefined {
  const keys = new Set(headers.map(headerKey));
  return KNOWN_EXPORTS.find(({ marks }) =>
    marks.some((mark) => mark.every((header) => keys.has(headerKey(header)))),
  );
}
