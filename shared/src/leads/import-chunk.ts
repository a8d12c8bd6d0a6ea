import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Db, Knex } from '../db/database';
import { inTransaction } from '../db/transaction';
import * as companies from '../repositories/company-writes';
import * as people from '../repositories/lead-writes';
import { ChunkPlan, type KnownLeads } from './chunk-plan';
import type { CompanyDecisions } from './company-decisions';
import { derivePerson } from './derive-person';
import { splitErased } from './erased-rows';
import { companyKeyOf, rankedKeysOf, type RankedKeys } from './identity';
import type { LeadRow } from './lead-row';
import type { CompanyProfile, LeadProfile } from '../domain/lead-profile';
import type { PlannedCompany, PlannedLead } from './planned-lead';

const PEOPLE_PER_STATEMENT = 1000;
/** Large enough that a statement's own cost does not show; the database waits for the first. */
const DERIVED_AT_ONCE = 125;

/**
 * Imports some rows in one transaction, all or none, and gives the plan that was carried out. Idempotent: run again, it
 * changes nothing. Only leads and companies of the scope (null: the shared directory) are read or written.
 */
export async function importChunk(
  knex: Knex,
  orgId: string | null,
  rows: readonly KeyedRow[],
  decisions: CompanyDecisions,
): Promise<ChunkPlan> {
  return inTransaction(knex, async (trx) => {
    await people.lockLeadWrites(trx);
    const { kept, rejections } = await splitErased(trx, orgId, rows);
    const plan = new ChunkPlan(await findKnown(trx, orgId, kept), decisions);
    plan.rejections.push(...rejections);
    for (const { row, keys } of kept) plan.add(row, keys);
    await writePlan(trx, orgId, plan);
    return plan;
  });
}

/** A row with what its person is known by: worked out as it is read, while the database stores the rows before it. */
export interface KeyedRow {
  row: LeadRow;
  keys: RankedKeys;
}

export function keyRow(row: LeadRow): KeyedRow {
  return { row, keys: rankedKeysOf(row, row.company) };
}

/** What the scope knows of the people and companies that the rows name. */
async function findKnown(trx: Db, orgId: string | null, rows: readonly KeyedRow[]): Promise<KnownLeads> {
  const keys = new Set(rows.flatMap((keyed) => keyed.keys.flat()));
  const companyKeys = new Set(rows.flatMap(({ row }) => companyKeyOf(row.company) ?? []));
  const owners = await people.findIdentityOwners(trx, orgId, [...keys]);
  const stored = await people.listPeopleById(trx, [...new Set(owners.map((owner) => owner.personId))]);
  const companyById = await findCompanies(trx, orgId, {
    keys: [...companyKeys],
    ids: [...new Set(stored.flatMap((person) => person.companyId ?? []))],
  });
  return {
    leads: stored.map((person) => planStored(person, companyById)),
    owners: new Map(owners.map((owner) => [owner.key, owner.personId])),
    companies: [...companyById.values()],
  };
}

async function findCompanies(
  trx: Db,
  orgId: string | null,
  wanted: { keys: readonly string[]; ids: readonly string[] },
): Promise<Map<string, PlannedCompany>> {
  const records = await companies.listCompanies(trx, orgId, wanted);
  const planned = records.map(({ id, key, ...profile }): PlannedCompany => ({
    id,
    key,
    stored: profile,
    profile,
  }));
  return new Map(planned.map((company) => [company.id, company]));
}

function planStored(record: people.PersonRecord, companyById: Map<string, PlannedCompany>): PlannedLead {
  const { id, companyId, ...profile } = record;
  const company = companyId === null ? null : (companyById.get(companyId) ?? null);
  return { id, stored: { profile, companyId }, profile, company };
}

async function writePlan(trx: Db, orgId: string | null, plan: ChunkPlan): Promise<void> {
  const changedCompanies = plan.listChangedCompanies();
  const changedLeads = plan.listChangedLeads();
  await insertNewLeads(trx, orgId, plan.listNewLeads(), async () => {
    await companies.insertCompanies(trx, orgId, plan.listNewCompanies().map(toCompanyRecord));
    await companies.updateCompanies(trx, changedCompanies.map(toCompanyRecord));
  });
  await people.updatePeople(trx, changedLeads.map(derive));
  const identities = [...plan.newKeys].map(([key, lead]) => ({ key, personId: lead.id }));
  await people.insertIdentities(trx, orgId, identities);
  await refreshColleagues(trx, changedCompanies, new Set(changedLeads.map((lead) => lead.id)));
}

/** While the database stores some, or their companies, the next are derived: one after the other, deriving was a fifth of an import. */
async function insertNewLeads(
  trx: Db,
  orgId: string | null,
  leads: readonly PlannedLead[],
  storeCompanies: () => Promise<void>,
): Promise<void> {
  let storing = storeCompanies();
  for (let from = 0; from < leads.length; from += DERIVED_AT_ONCE) {
    // Its rejection is met by the next await; until then it must not count as unhandled.
    storing.catch(() => undefined);
    // A statement leaves some promises after it was called.
    await nextTurn();
    const derived = JSON.stringify(leads.slice(from, from + DERIVED_AT_ONCE).map(derive));
    await storing;
    storing = people.insertPeople(trx, orgId, derived);
  }
  await storing;
}

/** Writes what other people copied of companies that changed. `done`: people that the chunk wrote itself. */
async function refreshColleagues(
  trx: Db,
  changed: readonly PlannedCompany[],
  done: ReadonlySet<string>,
): Promise<void> {
  if (changed.length === 0) return;
  const companyById = new Map(changed.map((company) => [company.id, company]));
  const limit = PEOPLE_PER_STATEMENT;
  for (let afterId: string | null = null; ;) {
    const page: people.PersonRecord[] = await people.listPeopleOfCompanies(trx, [...companyById.keys()], {
      afterId,
      limit,
    });
    const stale = page
      .filter((person) => !done.has(person.id))
      .map((person) => planStored(person, companyById));
    await people.updatePeople(trx, stale.map(derive));
    afterId = page.at(-1)?.id ?? null;
    if (page.length < limit) return;
  }
}

function derive({
  id,
  profile,
  company,
}: {
  id: string;
  profile: LeadProfile;
  company: PlannedCompany | null;
}) {
  return derivePerson(id, profile, company);
}

function toCompanyRecord({ id, key, profile }: { id: string; key: string; profile: CompanyProfile }) {
  return { ...profile, id, key };
}
