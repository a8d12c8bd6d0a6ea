import { query, type Db } from '@leadwell/shared/db/database';

/** A person as the API shows it to one organisation. */
export interface Person {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  firstName: string | null;
  lastName: string | null;
  jobTitle: string | null;
  city: string | null;
  country: string | null;
  linkedinUrl: string | null;
  /** The directory's own, then what this organisation found. */
  emails: string[];
  phones: string[];
  companyId: string | null;
  seniority: string | null;
  departments: string[];
  functions: string[];
  skills: string[];
  languages: string[];
  company: PersonCompany | null;
}

export interface PersonCompany {
  id: string;
  name: string;
  domain: string | null;
  industry: string | null;
  city: string | null;
  country: string | null;
  employeesMin: number | null;
  employeesMax: number | null;
  linkedinUrl: string | null;
}

interface PersonRow extends Omit<Person, 'company'> {
  company: PersonCompany | null;
  foundEmails: string[] | null;
  foundPhones: string[] | null;
}

/** The people of some ids, in their order; ids of people that the organisation does not see are left out. */
export async function listPeople(db: Db, orgId: string, ids: readonly string[]): Promise<Person[]> {
  if (ids.length === 0) return [];
  const rows = await query<PersonRow>(
    db,
    `SELECT p.id, p.created_at AS "createdAt", p.updated_at AS "updatedAt", p.first_name AS "firstName", p.last_name AS "lastName",
            p.job_title AS "jobTitle", p.city, p.country, p.linkedin_url AS "linkedinUrl", p.emails, p.phones,
            p.company_id AS "companyId", p.seniority, p.departments, p.functions, p.skills, p.languages,
            found.emails AS "foundEmails", found.phones AS "foundPhones",
            CASE WHEN c.id IS NOT NULL THEN jsonb_build_object('id', c.id, 'name', c.name, 'domain', c.domain, 'industry', c.industry,
              'city', c.city, 'country', c.country, 'employeesMin', c.employees_min, 'employeesMax', c.employees_max,
              'linkedinUrl', c.linkedin_url) END AS company
     FROM unnest(:ids::uuid[]) WITH ORDINALITY AS wanted (id, position)
     JOIN people p ON p.id = wanted.id AND (p.org_id IS NULL OR p.org_id = :orgId)
     LEFT JOIN companies c ON c.id = p.company_id
     LEFT JOIN LATERAL (
       SELECT array_agg(v.value ORDER BY v.found_at, v.value) FILTER (WHERE v.kind = 'email') AS emails,
              array_agg(v.value ORDER BY v.found_at, v.value) FILTER (WHERE v.kind = 'phone') AS phones
       FROM lead_values v WHERE v.org_id = :orgId AND v.lead_id = p.id AND v.verdict <> 'invalid'
     ) found ON TRUE
     ORDER BY wanted.position`,
    { ids: [...ids], orgId },
  );
  return rows.map(toPerson);
}

/** One person; undefined where the organisation sees none of that id. */
export async function findPerson(db: Db, orgId: string, id: string): Promise<Person | undefined> {
  return (await listPeople(db, orgId, [id]))[0];
}

function toPerson({ foundEmails, foundPhones, company, ...row }: PersonRow): Person {
  const emails = distinct([...row.emails, ...(foundEmails ?? [])], (email) => email.toLowerCase());
  const phones = distinct([...row.phones, ...(foundPhones ?? [])], (phone) => phone.replace(/[^+\dx]/g, ''));
  return {
    ...row,
    emails,
    phones,
    company: company && companyOf(company),
  };
}

/** PostgreSQL orders the keys of a jsonb in its own way. */
function companyOf(company: PersonCompany): PersonCompany {
  const { id, name, domain, industry, city, country, employeesMin, employeesMax, linkedinUrl } = company;
  return { id, name, domain, industry, city, country, employeesMin, employeesMax, linkedinUrl };
}

/** The first of each key. */
function distinct(values: readonly string[], keyOf: (value: string) => string): string[] {
  const known = new Map<string, string>();
  for (const value of values) {
    const key = keyOf(value);
    if (!known.has(key)) known.set(key, value);
  }
  return [...known.values()];
}
