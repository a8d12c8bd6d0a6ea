import type { Logger } from 'pino';
import {
  claimLease,
  deferBatch,
  giveBackLease,
  isReturned,
  type Lease,
} from '@leadwell/shared/repositories/leases';
import type { Relay } from '@leadwell/shared/relay/relay';
import { AloneGate } from './alone-gate';
import { BatchRun } from './batch-run';
import type { Desk } from './desk';
import type { LeaseKeeper } from './lease-keeper';
import { loadRows, type LoadRowsOptions } from './load-rows';

export interface WorkBatchOptions extends LoadRowsOptions {
  logger: Logger;
  desk: Desk;
  keeper: LeaseKeeper;
  relay: Relay;
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
      const rows = await loadRows(this.options, run);
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
}
