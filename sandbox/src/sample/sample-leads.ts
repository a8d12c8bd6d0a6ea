/** The leads of `sample/leads.csv`: invented people at invented companies, the same at every run. */
import { foldWords } from '@leadwell/shared/domain/text-folding';
import { chanceOf } from '../truth';
import { type Region, REGIONS } from './regions';
import { COMPANY_KINDS, COMPANY_SIZES, COMPANY_WORDS, DEPARTMENTS, SENIORITIES } from './work';

const LEADS = 1000;
const COMPANIES = 200;

export const COLUMNS = [
  'first_name',
  'last_name',
  'job_title',
  'seniority',
  'city',
  'country',
  'linkedin_url',
  'email',
  'company',
  'company_domain',
  'company_industry',
  'company_city',
  'company_country',
  'company_size',
  'departments',
  'skills',
  'languages',
] as const;
export type SampleLead = Readonly<Record<(typeof COLUMNS)[number], string>>;

interface Company {
  name: string;
  domain: string;
  industry: string;
  region: Region;
  city: string;
  size: string;
}

/** One throw of the dice: what for, and for whom. */
function chance(what: string, whose: number): number {
  return chanceOf('sample', what, String(whose));
}

function pick<T>(list: readonly T[], what: string, whose: number): T {
  const item = list[Math.floor(chance(what, whose) * list.length)];
  if (item === undefined) throw new Error(`Nothing to pick ${what} from`);
  return item;
}

/** A thousand leads, all distinct by name and company. */
export function sampleLeads(): SampleLead[] {
  const companies = Array.from({ length: COMPANIES }, (_, i) => sampleCompany(i));
  const leads = new Map<string, SampleLead>();
  for (let i = 0; leads.size < LEADS; i++) {
    const lead = sampleLead(i, pick(companies, 'company', i));
    const key = `${lead.first_name} ${lead.last_name} ${lead.company}`;
    if (!leads.has(key)) leads.set(key, lead);
  }
  return [...leads.values()];
}

/** Domains end in `.example`, which is reserved: nobody's. */
function sampleCompany(i: number): Company {
  const word = COMPANY_WORDS[i % COMPANY_WORDS.length] ?? '';
  const kind = COMPANY_KINDS[Math.floor(i / COMPANY_WORDS.length)];
  if (!kind) throw new Error('More companies than names for them');
  const region = pick(REGIONS, 'company region', i);
  const slug = `${word}${chance('dash', i) < 0.5 ? '-' : ''}${kind.word}`.toLowerCase();
  return {
    name: `${word} ${kind.word}`,
    domain: `${slug}.example`,
    industry: pick(kind.industries, 'industry', i),
    region,
    city: pick(region.cities, 'company city', i),
    size: pick(COMPANY_SIZES, 'size', i),
  };
}

/**
 * Some are known by less: 6 in 100 without the company's domain, 3 without any company but with a profile, 10 without
 * a profile. 4 in 100 come with an address.
 */
function sampleLead(i: number, company: Company): SampleLead {
  const region = chance('abroad', i) < 0.3 ? pick(REGIONS, 'region', i) : company.region;
  const firstName = pick(region.firstNames, 'first name', i);
  const lastName = pick(region.lastNames, 'last name', i);
  const known = chance('known', i);
  const hasCompany = known >= 0.03;
  const hasDomain = known >= 0.09;
  const local = foldWords(`${firstName} ${lastName}`).join('.').replace(/[^a-z.]/g, '');
  return {
    first_name: firstName,
    last_name: lastName,
    ...sampleJob(i),
    city: region === company.region ? company.city : pick(region.cities, 'city', i),
    country: region.country,
    linkedin_url: known < 0.9 ? sampleProfile(i, firstName, lastName) : '',
    email: hasDomain && chance('email', i) < 0.04 ? `${local}@${company.domain}` : '',
    company: hasCompany ? company.name : '',
    company_domain: hasDomain ? company.domain : '',
    company_industry: hasCompany ? company.industry : '',
    company_city: hasCompany ? company.city : '',
    company_country: hasCompany ? company.region.country : '',
    company_size: hasCompany ? company.size : '',
    languages: [...new Set([region.language, ...(chance('english', i) < 0.7 ? ['English'] : [])])].join(';'),
  };
}

function sampleJob(i: number): Pick<SampleLead, 'job_title' | 'seniority' | 'departments' | 'skills'> {
  const department = pick(DEPARTMENTS, 'department', i);
  // Squared, so that juniors outnumber chiefs.
  const rank = Math.floor((1 - chance('seniority', i) ** 2) * SENIORITIES.length);
  const seniority = SENIORITIES[rank] ?? 'entry';
  const skills = department.skills.filter((skill) => chance(`skill ${skill}`, i) < 0.5);
  return { job_title: department.titles[seniority], seniority, departments: department.name, skills: skills.join(';') };
}

/** The word `sample` and a number keep it from being anybody's profile. Accents are escaped, as LinkedIn does. */
function sampleProfile(i: number, firstName: string, lastName: string): string {
  const words = `${firstName} ${lastName}`.toLowerCase().match(/[\p{L}\p{M}]+/gu) ?? [];
  const slug = [...words, 'sample', String(i).padStart(4, '0')].join('-').normalize('NFC');
  return `https://www.linkedin.com/in/${encodeURIComponent(slug)}`;
}

/** The leads as CSV (RFC 4180, but with plain newlines), header first. Lists inside a cell are separated by `;`. */
export function toCsv(leads: readonly SampleLead[]): string {
  const rows = leads.map((lead) => COLUMNS.map((column) => writeCell(lead[column])).join(','));
  return [COLUMNS.join(','), ...rows, ''].join('\n');
}

function writeCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
