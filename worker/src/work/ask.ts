import type { Knex } from '@leadwell/shared/db/database';
import { inTransaction } from '@leadwell/shared/db/transaction';
import type { Field } from '@leadwell/shared/domain/enrichment';
import { insertEndedAttempts } from '@leadwell/shared/repositories/attempts';
import {
  claimLookups,
  insertAskedAttempts,
  lockRowsToAsk,
  type ClaimToAsk,
} from '@leadwell/shared/repositories/asks';
import { lookupKeyText } from '@leadwell/shared/repositories/lookups';
import { findSuppressed } from '@leadwell/shared/repositories/suppression-checks';
import type { Turn, WorkRow } from './work-row';

/** A row at its turn. */
export interface RowAtTurn {
  row: WorkRow;
  turn: Turn;
}

/** One question that is ours to ask, and the rows that wait for its answer. */
export interface Ask {
  lookupId: string;
  ask: number;
  turn: Turn;
  rows: WorkRow[];
}

export interface AskResult {
  asks: Ask[];
  /** Another is asking, or the answer is there: to be planned again. */
  again: WorkRow[];
  /** Nobody may be asked about these; true: for every organisation. */
  suppressed: Map<WorkRow, boolean>;
  /** No longer pending, or no longer ours. */
  gone: WorkRow[];
}

/**
 * The claim before a call, one transaction: locks the rows that are still ours, claims their questions, grouped by key,
 * and writes the attempts. Nothing else may ask what is claimed here until it is answered or expires. Lock order:
 * enrichments in id order, lookups in the order of their key.
 */
export async function claimAsks(
  knex: Knex,
  field: Field,
  rows: readonly RowAtTurn[],
  leaseSeconds: number,
): Promise<AskResult> {
  return inTransaction(knex, async (trx) => {
    const locked = await lockRowsToAsk(
      trx,
      rows.map(({ row }) => ({
        orgId: row.run.batch.orgId,
        enrichmentId: row.enrichmentId,
        fence: row.run.batch.fence,
      })),
    );
    const ours = rows.filter(({ row }) => locked.has(row.enrichmentId));
    const suppressed = await listSuppressedRows(trx, ours);
    const groups = groupByKey(ours.filter(({ row }) => !suppressed.has(row)));
    const claimed = await claimLookups(trx, field, [...groups.values()].map(claimOf), leaseSeconds);
    const asks = claimed.flatMap(({ id, ask, state, ...key }) => {
      const group = groups.get(lookupKeyText(key));
      return group?.[0] && state === 'asked'
        ? [{ lookupId: id, ask, turn: group[0].turn, rows: group.map(({ row }) => row) }]
        : [];
    });
    await insertAskedAttempts(trx, asks.flatMap(attemptsOf));
    const asking = new Set(asks.flatMap((ask) => ask.rows));
    await insertEndedAttempts(
      trx,
      [...asking].map((row) => ({ enrichmentId: row.enrichmentId, attempts: row.unwritten })),
    );
    return {
      asks,
      again: ours.map(({ row }) => row).filter((row) => !asking.has(row) && !suppressed.has(row)),
      suppressed,
      gone: rows.map(({ row }) => row).filter((row) => !locked.has(row.enrichmentId)),
    };
  });
}

/**
 * Read after the rows are locked: an erasure commits its hashes, then waits for these rows. Either it is seen here, or it
 * sees what is claimed here. The question counts beside the lead, which may be gone.
 */
async function listSuppressedRows(
  trx: Knex.Transaction,
  rows: readonly RowAtTurn[],
): Promise<Map<WorkRow, boolean>> {
  const found = await findSuppressed(trx, {
    subjects: { enrichments: rows.map(({ row }) => ({ orgId: row.run.batch.orgId, id: row.enrichmentId })) },
    asked: rows.map(({ row, turn }) => ({ id: row.enrichmentId, hash: turn.key.inputHash })),
  });
  const suppressed = new Map<WorkRow, boolean>();
  for (const { row } of rows) {
    const isGlobal = found.get(row.enrichmentId);
    if (isGlobal !== undefined) suppressed.set(row, isGlobal);
  }
  return suppressed;
}

/** Claims for several calls in one transaction; one result for each, in their order. */
export async function claimAsksOfCalls(
  knex: Knex,
  field: Field,
  calls: readonly (readonly RowAtTurn[])[],
  leaseSeconds: number,
): Promise<AskResult[]> {
  const { asks, again, suppressed, gone } = await claimAsks(knex, field, calls.flat(), leaseSeconds);
  return calls.map((call) => {
    const rows = new Set(call.map(({ row }) => row));
    const turns = new Set(call.map(({ turn }) => turn));
    return {
      // Rows of several calls may share a question: it is asked by the call whose turn it carries.
      asks: asks.filter((ask) => turns.has(ask.turn)),
      again: again.filter((row) => rows.has(row)),
      suppressed: new Map([...suppressed].filter(([row]) => rows.has(row))),
      gone: gone.filter((row) => rows.has(row)),
    };
  });
}

function groupByKey(rows: readonly RowAtTurn[]): Map<string, RowAtTurn[]> {
  const groups = new Map<string, RowAtTurn[]>();
  for (const entry of rows) {
    const key = lookupKeyText(entry.turn.key);
    groups.set(key, [...(groups.get(key) ?? []), entry]);
  }
  return groups;
}

function claimOf(group: readonly RowAtTurn[]): ClaimToAsk {
  const looksAgain = group
    .map(({ row }) => (row.retryNotFound ? row.acceptedAtText : null))
    .filter((text) => text !== null);
  const [first] = group as [RowAtTurn];
  return { ...first.turn.key, missesBeforeText: looksAgain.sort().at(-1) ?? null };
}

function attemptsOf(ask: Ask) {
  return ask.rows.map((row, index) => ({
    enrichmentId: row.enrichmentId,
    provider: ask.turn.provider,
    lookupId: ask.lookupId,
    ask: ask.ask,
    shared: index > 0,
  }));
}
