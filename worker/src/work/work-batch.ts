import type { Logger } from 'pino';
import type { Knex } from '@leadwell/shared/db/database';
import type { Field } from '@leadwell/shared/domain/enrichment';
import { SHARED_SCOPE } from '@leadwell/shared/domain/ids';
import { questionsOf, type AskableProvider, type AskableWaterfall } from '@leadwell/shared/domain/waterfall';
import {
  claimLease,
  deferBatch,
  giveBackLease,
  isReturned,
  listAttemptsOfBatch,
  listPendingRows,
  type Lease,
  type PendingRow,
  type StoredAttempt,
} from '@leadwell/shared/repositories/leases';
import { readWaterfall } from '@leadwell/shared/repositories/organisation-waterfalls';
import { settle } from '@leadwell/shared/settle/settle';
import type { Relay } from '@leadwell/shared/relay/relay';
import { AloneGate } from './alone-gate';
import { BatchRun } from './batch-run';
import type { Desk } from './desk';
import type { LeaseKeeper } from './lease-keeper';
import type { WorkRow } from './work-row';

export interface WorkBatchOptions {
  knex: Knex;
  logger: Logger;
  desk: Desk;
  keeper: LeaseKeeper;
  relay: Relay;
  /** The deployment's; an organisation may have its own, which is read with every lease. */
  waterfall: AskableWaterfall;
  shareResults: boolean;
  leaseSeconds: number;
  /** Shown in `leased_by`. */
  workerName: string;
}

/** A second batch that came back waits here for the first; not so long that the relay takes its job for a ghost. */
const GATE_WAIT_MS = 3_000;
/** Then it waits outside, where another worker may take it. */
const GATE_DEFER_SECONDS = 2;

/** Works batches under leases; every batch that this process has at a time. */
export class BatchWorker {
  private readonly runs = new Set<BatchRun>();
  private readonly gate = new AloneGate();
  private stopping = false;

  constructor(private readonly options: WorkBatchOptions) {}

  /**
   * Works one batch to its end, if nobody has it. Resolves when the batch is complete, lost or given back; what it
   * throws leaves the batch to the relay.
   */
  async work(batchId: string): Promise<void> {
    if (this.stopping) return;
    const { knex } = this.options;
    const lease = await this.claim(batchId, false);
    if (lease) return this.workLeased(lease, false);
    if (await isReturned(knex, batchId)) await this.workReturned(batchId);
  }

  /**
   * Of batches that a worker died with, one at a time is worked before anything of it is settled: if it kills this one too, it is
   * known which. From its first settle on it counts as any other, and the next one begins.
   */
  private async workReturned(batchId: string): Promise<void> {
    const { knex } = this.options;
    const leave = await this.gate.enter(GATE_WAIT_MS);
    if (!leave) return deferBatch(knex, batchId, GATE_DEFER_SECONDS);
    try {
      const lease = this.stopping ? null : await this.claim(batchId, true);
      if (lease) await this.workLeased(lease, lease.deliveries > 1, leave);
    } finally {
      leave();
    }
  }

  private claim(batchId: string, alsoReturned: boolean): Promise<Lease | null> {
    const { knex, leaseSeconds, workerName } = this.options;
    return claimLease(knex, { batchId, leaseSeconds, workerName, alsoReturned });
  }

  /** No new ask and no new batch; what is open is given back. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.stopping = true;
    const runs = [...this.runs];
    for (const run of runs) run.stop('stopped');
    await Promise.all(runs.map((run) => run.done));
  }

  /** Ids of the batches at work: what a hard stop leaves behind. */
  listBatchIds(): string[] {
    return [...this.runs].map((run) => run.batch.id);
  }

  private async workLeased(lease: Lease, alone: boolean, onSettled?: () => void): Promise<void> {
    const { knex, logger, keeper, desk, relay } = this.options;
    const run = new BatchRun({ ...lease, alone }, onSettled);
    this.runs.add(run);
    // Leased while `stop()` looked at the runs: given back as they were.
    if (this.stopping) run.stop('stopped');
    keeper.holdLease(lease, () => run.stop('lost'));
    try {
      const rows = await this.loadRows(run);
      if (rows.length === 0) await settle(knex, lease, []);
      logger.debug(
        { batchId: lease.id, requestId: lease.requestId, rows: rows.length, alone },
        'batch leased',
      );
      await desk.work(run, rows);
    } catch (error) {
      // What could not be begun is no delivery.
      await giveBackLease(knex, lease, 0).catch(() => undefined);
      throw error;
    } finally {
      keeper.dropLease(lease);
      this.runs.delete(run);
    }
    const end = await run.done;
    logger.info({ batchId: lease.id, requestId: lease.requestId, end }, 'batch left');
    if (end === 'stopped') await giveBackLease(knex, lease, 0);
    if (end === 'parked') await giveBackLease(knex, lease, Math.ceil(run.waitMs / 1000));
    if (end === 'completed') await relay.publish(lease.orgId);
  }

  private async loadRows(run: BatchRun): Promise<WorkRow[]> {
    const { knex } = this.options;
    const [providers, pending, attempts] = await Promise.all([
      readWaterfall(knex, this.options.waterfall, run.batch),
      listPendingRows(knex, run.batch.id),
      listAttemptsOfBatch(knex, run.batch.id),
    ]);
    return pending.map((row) =>
      this.toWorkRow(
        run,
        row,
        attempts.filter((attempt) => attempt.enrichmentId === row.enrichmentId),
        providers,
      ),
    );
  }

  private toWorkRow(
    run: BatchRun,
    row: PendingRow,
    attempts: readonly StoredAttempt[],
    providers: readonly AskableProvider[],
  ): WorkRow {
    const { batch } = run;
    const scope = this.options.shareResults ? SHARED_SCOPE : batch.orgId;
    const asked = [...providers, ...this.listBinding(batch.field, attempts, providers)];
    const questions = row.lead ? questionsOf(row.lead, asked) : [];
    return {
      enrichmentId: row.enrichmentId,
      field: batch.field,
      run,
      acceptedAtText: row.acceptedAtText,
      acceptedAtMs: row.acceptedAt.getTime(),
      retryNotFound: row.retryNotFound,
      turns: questions.map(({ provider, baseUrl, question, inputHash, closedBecause }) => {
        const attempt = attempts.find((candidate) => candidate.provider === provider);
        const key = { provider, baseUrl, inputHash, scope };
        const { outcome = null, error = null } = attempt ?? {};
        return { provider, question, key, closedBecause, outcome, error };
      }),
      unwritten: [],
      spentMs: attempts.reduce((sum, attempt) => sum + (attempt.durationMs ?? 0), 0),
      spentCost: 0,
      plannedAtMs: 0,
    };
  }

  /** Out of the waterfall since it was asked: what it found was paid for, and what it may not tell nobody else is asked. */
  private listBinding(
    field: Field,
    attempts: readonly StoredAttempt[],
    providers: readonly AskableProvider[],
  ): AskableProvider[] {
    const binding = attempts.filter(({ outcome }) => outcome === 'hit' || outcome === 'restricted');
    const names = new Set(binding.map(({ provider }) => provider));
    for (const { name } of providers) names.delete(name);
    return this.options.waterfall.configured[field].filter(({ name }) => names.has(name));
  }
}
