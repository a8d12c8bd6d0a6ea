import { execute, query, type Db, type Knex } from '../db/database';
import { allowStatementTime } from '../db/silence';
import type { LeadProfile } from '../domain/lead-profile';

/** 'leads' in ASCII. */
const LEADS_LOCK = 0x6c65616473;

/**
 * Makes this transaction the only one that adds, changes or removes leads, until it ends. People get their `seq` under
 * it, so that it follows commit order and a search never sees a lead appear before one that it has shown; and two imports
 * that name the same people in another order cannot deadlock, because neither holds a row while it waits. A statement of
 * its own: what must be seen after the lock is read by a later one.
 */
export async function lockLeadWrites(db: Knex.Transaction): Promise<void> {
  // Chunks of other imports come first: waiting is no fault here.
  await allowStatementTime(db, 120_000);
  await query(db, 'SELECT pg_advisory_xact_lock(?)', [LEADS_LOCK]);
}

/**
 * Which person of the scope each of the keys names; unknown keys are left out. One by one, in the order of the index: of so many at once
 * the planner thinks that to read all is cheaper, and among half a million it took four times as long.
 */
export async function findIdentityOwners(
  db: Db,
  orgId: string | null,
  keys: readonly string[],
): Promise<{ key: string; personId: string }[]> {
  return query(
    db,
    `SELECT k.key, i.person_id AS "personId"
       FROM (SELECT unnest(CAST(:keys AS text[])) AS key ORDER BY key) AS k
      CROSS JOIN LATERAL (
        SELECT person_id FROM person_identities WHERE ${scopeOf(orgId)} AND identity_key = k.key LIMIT 1
      ) AS i`,
    { orgId, keys: [...keys] },
  );
}

/**
 * Records that these people are known by these keys. A key that is already another's stays with it. In the order of the index,
 * so that neighbours go onto one page.
 */
export async function insertIdentities(
  db: Db,
  orgId: string | null,
  identities: readonly { key: string; personId: string }[],
): Promise<void> {
  if (identities.length === 0) return;
  await execute(
    db,
    `INSERT INTO person_identities (org_id, identity_key, person_id)
     SELECT CAST(:orgId AS uuid), key, person_id FROM unnest(CAST(:keys AS text[]), CAST(:personIds AS uuid[])) AS i (key, person_id)
     ORDER BY key
     ON CONFLICT DO NOTHING`,
    { orgId, keys: identities.map((i) => i.key), personIds: identities.map((i) => i.personId) },
  );
}

/** A row of `people`, as the importer reads and writes it. */
export interface PersonRecord extends LeadProfile {
  id: string;
  companyId: string | null;
}

/** A row of `people` with what is derived from it and from its company. */
export interface DerivedPersonRecord extends PersonRecord {
  companyName: string | null;
  companyDomain: string | null;
  employeesMin: number | null;
  employeesMax: number | null;
  /** In the form of a tsvector's text. */
  searchWords: string;
  searchTerms: string[];
  /** Hashes in hexadecimal, as PostgreSQL reads bytea: `\x…`. */
  nameDomainHash: string | null;
  nameCompanyHash: string | null;
  linkedinHash: string | null;
  emailHash: string | null;
}

const PERSON_COLUMNS = `
  id, first_name AS "firstName", last_name AS "lastName", full_name AS "fullName", job_title AS "jobTitle", seniority,
  city, country, linkedin_url AS "linkedinUrl", emails, phones, departments, functions, skills, languages,
  social_links AS "socialLinks", previous_companies AS "previousCompanies", company_id AS "companyId"`;

export async function listPeopleById(db: Db, ids: readonly string[]): Promise<PersonRecord[]> {
  if (ids.length === 0) return [];
  return query(db, `SELECT ${PERSON_COLUMNS} FROM people WHERE id = ANY(:ids)`, { ids: [...ids] });
}

/** People of these companies in id order, `limit` at most, from after `afterId` on (null: from the first). */
export async function listPeopleOfCompanies(
  db: Db,
  companyIds: readonly string[],
  page: { afterId: string | null; limit: number },
): Promise<PersonRecord[]> {
  return query(
    db,
    `SELECT ${PERSON_COLUMNS} FROM people
     WHERE company_id = ANY(:companyIds) AND (CAST(:afterId AS uuid) IS NULL OR id > CAST(:afterId AS uuid))
     ORDER BY id LIMIT :limit`,
    { companyIds: [...companyIds], ...page },
  );
}

/** JSON, because unnest would flatten the lists. `position` counts from 1, in the order given. */
const PERSON_RECORDSET = `
  ROWS FROM (json_to_recordset(CAST(:people AS json)) AS (
    id uuid, "firstName" text, "lastName" text, "fullName" text, "jobTitle" text, seniority text,
    city text, country text, "linkedinUrl" text, emails text[], phones text[], departments text[], functions text[],
    skills text[], languages text[], "socialLinks" text[], "previousCompanies" text[], "companyId" uuid,
    "companyName" text, "companyDomain" text, "employeesMin" integer, "employeesMax" integer, "searchWords" tsvector,
    "searchTerms" text[], "nameDomainHash" bytea, "nameCompanyHash" bytea, "linkedinHash" bytea, "emailHash" bytea
  )) WITH ORDINALITY AS r (
    id, "firstName", "lastName", "fullName", "jobTitle", seniority, city, country, "linkedinUrl", emails, phones, departments,
    functions, skills, languages, "socialLinks", "previousCompanies", "companyId", "companyName", "companyDomain",
    "employeesMin", "employeesMax", "searchWords", "searchTerms", "nameDomainHash", "nameCompanyHash", "linkedinHash", "emailHash",
    position)`;

/**
 * Adds people at the end of the search order, in the order given. As JSON of an array of DerivedPersonRecord: the caller writes it while
 * the database stores those before. The caller holds lockLeadWrites.
 */
export async function insertPeople(db: Db, orgId: string | null, people: string): Promise<void> {
  await execute(
    db,
    `WITH p AS MATERIALIZED (
       SELECT last.seq + r.position AS seq, r.* FROM (SELECT COALESCE(max(seq), 0) AS seq FROM people) AS last, ${PERSON_RECORDSET}
     ), stored AS (
     INSERT INTO people
       (seq, org_id, id, first_name, last_name, full_name, job_title, seniority, city, country, linkedin_url, emails,
        phones, departments, functions, skills, languages, social_links, previous_companies, company_id, company_name,
        company_domain, name_domain_hash, name_company_hash, linkedin_hash, email_hash)
     SELECT seq, CAST(:orgId AS uuid), id, "firstName", "lastName", "fullName", "jobTitle", seniority, city,
        country, "linkedinUrl", emails, phones, departments, functions, skills, languages, "socialLinks",
        "previousCompanies", "companyId", "companyName", "companyDomain", "nameDomainHash", "nameCompanyHash", "linkedinHash", "emailHash"
     FROM p ORDER BY seq
     )
     INSERT INTO people_search (seq, id, org_id, employees_min, employees_max, has_email, has_phone, words, terms)
     SELECT seq, id, CAST(:orgId AS uuid), "employeesMin", "employeesMax", emails <> '{}', phones <> '{}', "searchWords", search_terms("searchTerms")
     FROM p ORDER BY seq`,
    { orgId, people },
  );
}

/** Writes people anew; their place in the search order stays. The caller holds lockLeadWrites. */
export async function updatePeople(db: Db, people: readonly DerivedPersonRecord[]): Promise<void> {
  if (people.length === 0) return;
  await execute(
    db,
    `WITH p AS MATERIALIZED (SELECT * FROM ${PERSON_RECORDSET}), stored AS (
     UPDATE people SET
       first_name = p."firstName", last_name = p."lastName", full_name = p."fullName", job_title = p."jobTitle",
       seniority = p.seniority, city = p.city, country = p.country, linkedin_url = p."linkedinUrl", emails = p.emails,
       phones = p.phones, departments = p.departments, functions = p.functions, skills = p.skills,
       languages = p.languages, social_links = p."socialLinks", previous_companies = p."previousCompanies",
       company_id = p."companyId", company_name = p."companyName", company_domain = p."companyDomain",
       name_domain_hash = p."nameDomainHash",
       name_company_hash = p."nameCompanyHash", linkedin_hash = p."linkedinHash", email_hash = p."emailHash",
       updated_at = clock_timestamp()
     FROM p WHERE people.id = p.id
     RETURNING people.seq, people.id
     )
     UPDATE people_search s SET employees_min = p."employeesMin", employees_max = p."employeesMax", has_email = p.emails <> '{}',
       has_phone = p.phones <> '{}', words = p."searchWords", terms = search_terms(p."searchTerms")
     FROM stored JOIN p ON p.id = stored.id WHERE s.seq = stored.seq`,
    { people: JSON.stringify(people) },
  );
}

/** Brings the planner's statistics up to date: accept and search are 4.8 times slower without. */
export async function analyseLeads(db: Db): Promise<void> {
  await execute(db, 'ANALYZE companies, people, people_search, person_identities');
}

/** The rows of one scope; written so that the unique index on (org_id, identity_key) serves the directory too. */
export function scopeOf(orgId: string | null): string {
  return orgId === null ? 'org_id IS NULL' : 'org_id = :orgId';
}
