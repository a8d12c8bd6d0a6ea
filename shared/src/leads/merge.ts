/** How a row adds to what is known: filled beats blank, a later value beats an earlier, blank never erases. */
import type { CompanyProfile, LeadProfile } from '../domain/lead-profile';
import { foldValue } from '../domain/text-folding';
import type { CompanyRow, LeadRow } from './lead-row';

export const BLANK_PROFILE: LeadProfile = {
  firstName: null,
  lastName: null,
  fullName: '',
  jobTitle: null,
  seniority: null,
  city: null,
  country: null,
  linkedinUrl: null,
  emails: [],
  phones: [],
  departments: [],
  functions: [],
  skills: [],
  languages: [],
  socialLinks: [],
  previousCompanies: [],
};

/** Addresses of one person at most; what comes after is left out, or one wrong key would grow a row for ever. */
const MAX_CONTACTS = 100;

/**
 * A new profile; the same row merged twice changes nothing the second time. Ways to reach a person are joined, the known
 * ones first, so that the first address stays the one that is asked by. Other lists are statements: a filled one replaces.
 */
export function mergeLead(known: LeadProfile, row: LeadRow): LeadProfile {
  const { firstName, lastName, fullName } = mergeNames(known, row);
  return {
    firstName,
    lastName,
    fullName,
    jobTitle: row.jobTitle ?? known.jobTitle,
    seniority: row.seniority ?? known.seniority,
    city: row.city ?? known.city,
    country: row.country ?? known.country,
    linkedinUrl: row.linkedinUrl ?? known.linkedinUrl,
    emails: join(known.emails, row.emails),
    phones: join(known.phones, row.phones),
    socialLinks: join(known.socialLinks, row.socialLinks),
    departments: filled(row.departments, known.departments),
    functions: filled(row.functions, known.functions),
    skills: filled(row.skills, known.skills),
    languages: filled(row.languages, known.languages),
    previousCompanies: filled(row.previousCompanies, known.previousCompanies),
  };
}

type Names = Pick<LeadProfile, 'firstName' | 'lastName' | 'fullName'>;

/** A full name alone fills first and last name, unless it is another spelling of the known one. */
function mergeNames(known: LeadProfile, row: LeadRow): Names {
  const isNewName = row.fullName !== null && foldValue(row.fullName) !== foldValue(known.fullName);
  const [first, last] = isNewName ? splitName(row.fullName ?? '') : [known.firstName, known.lastName];
  const firstName = row.firstName ?? first;
  const lastName = row.lastName ?? last;
  const joined = [firstName, lastName].filter((part) => part !== null).join(' ');
  const isSplitGiven = row.firstName !== null || row.lastName !== null;
  return { firstName, lastName, fullName: row.fullName ?? (isSplitGiven ? joined : known.fullName) };
}

function splitName(fullName: string): [string | null, string | null] {
  const [first, ...rest] = fullName.split(' ');
  return [first ?? null, rest.length > 0 ? rest.join(' ') : null];
}

/**
 * A new company profile. Fields for which `isDecided` says true keep their value where they have one: within one import
 * the first row that fills a company's field decides, because rows of one company that contradict each other would
 * otherwise rewrite all its people again and again, and a second run would change what the first one settled.
 */
export function mergeCompany(
  known: CompanyProfile,
  row: CompanyRow,
  isDecided: (field: keyof CompanyRow) => boolean,
): CompanyProfile {
  const pick = <K extends keyof CompanyRow>(field: K): CompanyRow[K] =>
    row[field] === null || (isDecided(field) && known[field] !== null) ? known[field] : row[field];
  // The two ends of a range belong together: 51-200 and 10001+ must not become 10001-200.
  const isRangeKnown = known.employeesMin !== null || known.employeesMax !== null;
  const isRangeGiven = row.employeesMin !== null || row.employeesMax !== null;
  const range = isRangeGiven && !(isRangeKnown && isDecided('employeesMin')) ? row : known;
  return {
    name: pick('name') ?? known.name,
    domain: known.domain ?? row.domain,
    industry: pick('industry'),
    city: pick('city'),
    country: pick('country'),
    linkedinUrl: pick('linkedinUrl'),
    employeesMin: range.employeesMin,
    employeesMax: range.employeesMax,
  };
}

/** Whether two profiles of one shape hold the same. */
export function isSameProfile<T extends LeadProfile | CompanyProfile>(a: T, b: T): boolean {
  return (
    a === b ||
    (Object.keys(a) as (keyof T)[]).every((key) => {
      const [left, right] = [a[key], b[key]] as [unknown, unknown];
      if (!Array.isArray(left) || !Array.isArray(right)) return left === right;
      return left.length === right.length && left.every((value, index) => value === right[index]);
    })
  );
}

function join(known: string[], added: readonly string[]): string[] {
  if (added.every((value) => known.includes(value))) return known;
  return [...new Set([...known, ...added])].slice(0, Math.max(known.length, MAX_CONTACTS));
}

function filled(given: string[], known: string[]): string[] {
  return given.length > 0 ? given : known;
}
