import type { Logger } from 'pino';
import { execute, query, type Knex } from '../db/database';
import { classifyDatabaseError } from '../db/sql-state';
import { inTransaction } from '../db/transaction';
import type { AskableWaterfall } from '../domain/waterfall';
import { lockCreditAccount } from '../ledger/lock-account';
import type { Ending } from '../domain/ending';
import { endEnrichments } from '../settle/end-enrichments';
import { readWaterfall } from '../repositories/organisation-waterfalls';
import { hitsByLead, listStoredHits, type LeadHit } from '../repositories/stored-hits';
import { completeIfDone } from '../settle/settle';
import type { DueBatch } from '../repositories/due-batches';

export interface EndBatchOptions {
  /** True: only while nobody has taken the batch since it was seen. A deadline that has passed stays passed. */
  unlessTaken: boolean;
  status: 'timeout' | 'failed';
  error: string;
  logger: Logger;
  /** The deployment's; the batch's organisation may have its own. */
  waterfall: AskableWaterfall;
  /** Undefined: lookups are shared by all. Otherwise SHARE_RESULTS is off and only the organisation's own answer. */
  scopeOf: (orgId: string) => string;
}

/**
 * Ends what is left of a batch: as found what a stored hit answers, the rest with the given status, refunded. Raises
 * the fence, so that a worker that still holds it fails at its next step. Lock order: account, batch, enrichments.
 */
export async function endBatch(knex: Knex, batch: DueBatch, options: EndBatchOptions): Promise<void> {
  try {
    await endRows(knex, batch, options, listEndings);
  } catch (error) {
    if (classifyDatabaseError(error) !== 'other') throw error;
    // A stored hit that cannot be written as a value would keep its row pending, and its neighbours, for ever.
    options.logger.error({ err: error, batchId: batch.id }, 'a batch is ended without its stored hits');
    await endRows(knex, batch, options, listEndingsWithoutHits);
  }
}

type ListEndings = (trx: Knex.Transaction, batch: DueBatch, options: EndBatchOptions) => Promise<Ending[]>;

async function endRows(
  knex: Knex,
  batch: DueBatch,
  options: EndBatchOptions,
  list: ListEndings,
): Promise<void> {
  await inTransaction(knex, async (trx) => {
    await lockCreditAccount(trx, batch.orgId);
    const open = await execute(
      trx,
      `UPDATE batches SET fence = fence + 1, lease_until = NULL
        WHERE id = :id AND completed_at IS NULL AND (fence = :fence OR NOT :unlessTaken)`,
      { id: batch.id, fence: batch.fence, unlessTaken: options.unlessTaken },
    );
    if (open === 0) return;
    const endings = await list(trx, batch, options);
    await endEnrichments(trx, batch, endings);
    await completeIfDone(trx, [batch.id]);
  });
}

interface PendingRow {
  enrichmentId: string;
  leadId: string;
  /** The hit that answered this very row and was not settled yet: it ends the row, fresh or not. */
  ownLookupId: string | null;
  ownProvider: string | null;
}

function listPending(trx: Knex.Transaction, batch: DueBatch): Promise<PendingRow[]> {
  return query<PendingRow>(
    trx,
    `SELECT e.id AS "enrichmentId", e.entity_id AS "leadId", own.lookup_id AS "ownLookupId", own.provider AS "ownProvider"
       FROM enrichments e
       LEFT JOIN LATERAL (
         SELECT a.lookup_id, a.provider FROM attempts a JOIN lookups l ON l.id = a.lookup_id AND l.state = 'hit'
          WHERE a.enrichment_id = e.id AND a.outcome = 'hit' LIMIT 1
       ) own ON true
      WHERE e.org_id = :orgId AND e.batch_id = :batchId AND e.status = 'pending'
      ORDER BY e.id`,
    { orgId: batch.orgId, batchId: batch.id },
  );
}

async function listEndings(
  trx: Knex.Transaction,
  batch: DueBatch,
  options: EndBatchOptions,
): Promise<Ending[]> {
  const rows = await listPending(trx, batch);
  const hits = await listStoredHits(trx, {
    field: batch.field,
    scope: options.scopeOf(batch.orgId),
    leadIds: rows.map((row) => row.leadId),
    providers: await readWaterfall(trx, options.waterfall, batch),
  });
  const hitsOf = hitsByLead(hits);
  return rows.map(({ enrichmentId, leadId, ownLookupId, ownProvider }) => {
    const stored: UsableHit[] = hitsOf.get(leadId) ?? [];
    const own = ownLookupId && ownProvider ? { provider: ownProvider, lookupId: ownLookupId } : null;
    const others = stored.filter((hit) => hit.provider !== own?.provider);
    const [first, ...rest] = own ? [own, ...others] : others;
    return first ? toFound(enrichmentId, [first, ...rest]) : toEnded(enrichmentId, options);
  });
}

async function listEndingsWithoutHits(
  trx: Knex.Transaction,
  batch: DueBatch,
  options: EndBatchOptions,
): Promise<Ending[]> {
  const rows = await listPending(trx, batch);
  return rows.map(({ enrichmentId }) => toEnded(enrichmentId, options));
}

type UsableHit = Pick<LeadHit, 'provider' | 'lookupId'>;

/** The first hit answers. */
function toFound(enrichmentId: string, hits: readonly [UsableHit, ...UsableHit[]]): Ending {
  const attempts = hits.map(({ provider, lookupId }) => ({
    ...{ provider, lookupId, error: null },
    outcome: 'hit' as const,
  }));
  return { enrichmentId, found: true, lookupId: hits[0].lookupId, attempts };
}

function toEnded(enrichmentId: string, { status, error }: EndBatchOptions): Ending {
  return { enrichmentId, found: false, status, error, lookupId: null, attempts: [] };
}
