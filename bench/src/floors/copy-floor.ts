import type { Client } from 'pg';
import { timeMs } from '../rounds';
import type { BenchDatabase } from '../servers/bench-database';

/** What an import fills, in the order that foreign keys ask for. */
export const LEAD_TABLES = ['companies', 'people', 'people_search', 'person_identities'] as const;
export type LeadTable = (typeof LEAD_TABLES)[number];

/** Rows lie in their file as they were stored. */
const ORDERS: Record<LeadTable, string> = {
  ...{ companies: 'id', people: 'seq', people_search: 'seq', person_identities: 'person_id' },
};

/**
 * What filling the same indexed tables costs at least: COPY of the finished rows, from a file that the server reads itself.
 * Takes the rows of one database into another, empty one; gives the milliseconds of each table.
 */
export async function copyLeads(from: BenchDatabase, to: BenchDatabase): Promise<Record<LeadTable, number>> {
  const [source, target] = [await from.connect(), await to.connect()];
  const { rows } = await source.query<{ data_directory: string }>('SHOW data_directory');
  const taken = {} as Record<LeadTable, number>;
  for (const table of LEAD_TABLES) {
    const columns = await listColumns(source, table);
    // In the server's own directory, which goes with it.
    const file = `${rows[0]?.data_directory}/copied_${table}`;
    await source.query(`COPY (SELECT ${columns} FROM ${table} ORDER BY ${ORDERS[table]}) TO '${file}'`);
    taken[table] = await timeMs(() => target.query(`COPY ${table} (${columns}) FROM '${file}'`));
  }
  await source.end();
  await target.end();
  return taken;
}

/** Without those that are generated. */
async function listColumns(client: Client, table: LeadTable): Promise<string> {
  const { rows } = await client.query<{ columns: string }>(
    `SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) AS columns
       FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER'`,
    [table],
  );
  return rows[0]?.columns ?? '';
}
