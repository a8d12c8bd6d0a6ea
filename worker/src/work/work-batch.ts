import type { Logger } from 'pino';
import type { Knex } from '@leadwell/shared/db/database';
import {
  claimLeases,
  deferBatch,
  giveBackLease,
  isReturned,
  type Lease,
} from '@leadwell/shared/repositories/leases';
import type { Relay } from '@leadwell/shared/relay/relay';
import { AloneGate } from './alone-gate';
import { BatchRun } from './batch-run';
import { combine } from './combine';
import type { Desk } from './desk';
import type { LeaseKeeper } from './lease-keeper';
import { loadRows, type LoadRowsOptions } from './load-rows';
import { createRowReader, type ReadStoredRows } from './stored-rows';

export interface WorkBatchOptions extends LoadRowsOptions {
  knex: Knex;
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

/** Batches that are taken or left in one round trip. */
const TOGETHER_AT_MOST = 16;

/** Works batches under leases; every batch that this process has at a time. */
export class BatchWorker {
  private readonly runs = new Set<BatchRun>();
  private readonly gate = new AloneGate();
  /** Jobs that come together lease their batches together, … */
  private readonly claimTogether: (batchId: string) => Promise<Lease | null>;
  private readonly readStored: ReadStoredRows;
  /** … and batches that end together let their organisations' next ones follow together. */
  private readonly publishSoon: (orgId: string) => Promise<void>;
  private stopping = false;

  constructor(private readonly options: WorkBatchOptions) {
    this.readStored = createRowReader(options.knex);
    this.claimTogether = combine({
      concurrency: 2,
      sizeAtMost: TOGETHER_AT_MOST,
      run: async (batchIds) => {
        const leases = await this.claim(batchIds, false);
        return batchIds.map((batchId) => leases.find(({ id }) => id === batchId) ?? null);
      },
    });
    this.publishSoon = combine({
      concurrency: 1,
      sizeAtMost: TOGETHER_AT_MOST,
      failsAll: () => true,
      run: async (orgIds) => {
        await options.relay.publish(...new Set(orgIds));
        return orgIds.map(() => undefined);
      },
    });
  }

  /**
   * Works one batch to its end, if nobody has it. Resolves when the batch is complete, lost or given back; what it
   * throws leaves the batch to the relay.
   */
  async work(batchId: string): Promise<void> {
    if (this.stopping) return;
    const { knex } = this.options;
    const lease = (await this.claimTogether(batchId)) ?? (await this.claimAlone(batchId, false));
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
      const lease = this.stopping ? null : await this.claimAlone(batchId, true);
      if (lease) await this.workLeased(lease, lease.deliveries > 1, leave);
    } finally {
      leave();
    }
  }

  /** What another has locked, a settle of a lease that has run out, is waited for here, and holds up no other batch. */
  private async claimAlone(batchId: string, alsoReturned: boolean): Promise<Lease | null> {
    const [lease] = await this.claim([batchId], alsoReturned);
    return lease ?? null;
  }

  private claim(batchIds: readonly string[], alsoReturned: boolean): Promise<Lease[]> {
    const { knex, leaseSeconds, workerName } = this.options;
    return claimLeases(knex, { batchIds, leaseSeconds, workerName, alsoReturned });
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
    const { knex, logger, keeper, desk } = this.options;
    const run = new BatchRun({ ...lease, alone }, onSettled);
    this.runs.add(run);
    // Leased while `stop()` looked at the runs: given back as they were.
    if (this.stopping) run.stop('stopped');
    keeper.holdLease(lease, () => run.stop('lost'));
    try {
      const rows = loadRows(this.options, run, lease, await this.readStored(lease));
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
    if (end === 'completed') await this.publishSoon(lease.orgId);
  }
}
