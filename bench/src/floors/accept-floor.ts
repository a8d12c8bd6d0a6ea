/**
 * What accepting an order costs at least: the statements that it needs, by hand on one connection, prepared, without
 * HTTP, validation or mapping. They read and write the same rows as the service.
 */
import { newId } from '@leadwell/shared/domain/ids';
import type { Client } from 'pg';
import {
  AUTHENTICATE,
  DEBIT,
  HITS,
  INSERT_BATCHES,
  INSERT_ENRICHMENTS,
  INSERT_LIST,
  INSERT_REQUEST,
  LEADS,
  LOCK,
  WRITE_ALL,
} from './accept-sql';

const PRICE_CREDITS = 5;
const BATCH_SIZE = 50;

/** Who orders e-mail addresses for which leads, all of them new. */
export interface FloorOrder {
  orgId: string;
  keyId: string;
  leadIds: readonly string[];
}

/** Accepts an order by the statements of the service, one after another. */
export async function acceptByHand(client: Client, order: FloorOrder): Promise<void> {
  const { request, rows, batches } = planRows(order);
  await read(client, order, async () => {
    await client.query({ ...HITS, values: [order.leadIds] });
  });
  await client.query({
    ...DEBIT,
    values: [request.orgId, request.amount, request.transactionId, request.id],
  });
  const { id, orgId, transactionId } = request;
  await client.query({
    ...INSERT_REQUEST,
    values: [id, orgId, rows.ids.length, request.amount, transactionId],
  });
  await client.query({ ...INSERT_BATCHES, values: [orgId, id, batches.ids, batches.sizes] });
  const values = [orgId, id, PRICE_CREDITS, transactionId, rows.ids, order.leadIds, rows.batchIds];
  await client.query({ ...INSERT_ENRICHMENTS, values });
  await client.query({ ...INSERT_LIST, values: [id, rows.ids] });
  await client.query('COMMIT');
}

/** The same rows by as few statements as can be: what was read decides, then one statement writes everything. */
export async function acceptAtOnce(client: Client, order: FloorOrder): Promise<void> {
  const { request, rows, batches } = planRows(order);
  await read(client, order, async () => {
    await client.query({ ...HITS, values: [order.leadIds] });
  });
  const { id, orgId, amount, transactionId } = request;
  const lists = [rows.ids, order.leadIds, rows.batchIds, batches.ids, batches.sizes];
  await client.query({ ...WRITE_ALL, values: [orgId, id, PRICE_CREDITS, amount, transactionId, ...lists] });
  await client.query('COMMIT');
}

/** Whatever writes has read this: who calls, the account under its lock, the leads with what exists, stored answers. */
async function read(client: Client, order: FloorOrder, readHits: () => Promise<void>): Promise<void> {
  await client.query({ ...AUTHENTICATE, values: [order.keyId] });
  await client.query('BEGIN');
  await client.query({ ...LOCK, values: [order.orgId] });
  const { rowCount } = await client.query({ ...LEADS, values: [order.orgId, order.leadIds] });
  if (rowCount !== order.leadIds.length) throw new Error('The floor was given leads that are not there.');
  await readHits();
}

function planRows({ orgId, leadIds }: FloorOrder) {
  const batches = { ids: [] as string[], sizes: [] as number[] };
  for (let left = leadIds.length; left > 0; left -= BATCH_SIZE) {
    batches.ids.push(newId());
    batches.sizes.push(Math.min(left, BATCH_SIZE));
  }
  const batchIds = leadIds.map((_, index) => batches.ids[Math.floor(index / BATCH_SIZE)]);
  const amount = leadIds.length * PRICE_CREDITS;
  return {
    request: { id: newId(), orgId, amount, transactionId: newId() },
    rows: { ids: leadIds.map(() => newId()), batchIds },
    batches,
  };
}
