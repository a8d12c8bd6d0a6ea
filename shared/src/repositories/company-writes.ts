import { execute, query, type Db } from '../db/database';
import type { CompanyProfile } from '../domain/lead-profile';
import { scopeOf } from './lead-writes';

/** A row of `companies`, as the importer reads and writes it. */
export interface CompanyRecord extends CompanyProfile {
  id: string;
  /** `domain:…`, else `name:…`. */
  key: string;
}

/** The companies of the scope with one of these keys or ids. */
export async function listCompanies(
  db: Db,
  orgId: string | null,
  wanted: { keys: readonly string[]; ids: readonly string[] },
): Promise<CompanyRecord[]> {
  return query(
    db,
    `SELECT id, identity_key AS key, name, domain, industry, city, country, employees_min AS "employeesMin",
       employees_max AS "employeesMax", linkedin_url AS "linkedinUrl"
     FROM companies WHERE ${scopeOf(orgId)} AND (identity_key = ANY(:keys) OR id = ANY(CAST(:ids AS uuid[])))`,
    { orgId, keys: [...wanted.keys], ids: [...wanted.ids] },
  );
}

const COMPANY_RECORDSET = `
  json_to_recordset(CAST(:companies AS json)) AS c (
    id uuid, key text, name text, domain text, industry text, city text, country text, "employeesMin" integer,
    "employeesMax" integer, "linkedinUrl" text)`;

/** Adds companies. The caller holds lockLeadWrites and has seen that none of the keys exists. */
export async function insertCompanies(
  db: Db,
  orgId: string | null,
  companies: readonly CompanyRecord[],
): Promise<void> {
  if (companies.length === 0) return;
  await execute(
    db,
    `INSERT INTO companies
       (id, org_id, identity_key, name, domain, industry, city, country, employees_min, employees_max, linkedin_url)
     SELECT id, CAST(:orgId AS uuid), key, name, domain, industry, city, country, "employeesMin", "employeesMax", "linkedinUrl"
     FROM ${COMPANY_RECORDSET}`,
    { orgId, companies: JSON.stringify(companies) },
  );
}

/** Writes companies anew. Their people hold copies: the caller writes those too. */
export async function updateCompanies(db: Db, companies: readonly CompanyRecord[]): Promise<void> {
  if (companies.length === 0) return;
  await execute(
    db,
    `UPDATE companies SET
       name = c.name, domain = c.domain, industry = c.industry, city = c.city, country = c.country,
       employees_min = c."employeesMin", employees_max = c."employeesMax", linkedin_url = c."linkedinUrl",
       updated_at = clock_timestamp()
     FROM ${COMPANY_RECORDSET} WHERE companies.id = c.id`,
    { companies: JSON.stringify(companies) },
  );
}
