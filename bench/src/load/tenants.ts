import { seedTenant, type Tenant } from '@leadwell/harness/seed';
import type { BenchDatabase } from '../servers/bench-database';

export type { Tenant } from '@leadwell/harness/seed';

/** More than any measurement spends. */
const CREDITS = 1_000_000_000;

/** So many organisations with a key and credits that never run out. */
export async function createTenants(database: BenchDatabase, count: number): Promise<Tenant[]> {
  const tenants: Tenant[] = [];
  for (let i = 0; i < count; i++) tenants.push(await seedTenant(database.knex, { credits: CREDITS }));
  return tenants;
}
