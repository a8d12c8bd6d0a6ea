import type { Logger } from 'pino';
import type { Knex } from '@leadwell/shared/db/database';
import { renewAsks } from '@leadwell/shared/repositories/asks';
import { renewLeases } from '@leadwell/shared/repositories/leases';

export interface HeldAsk {
  lookupId: string;
  ask: number;
}

/** Renews what this process holds: the leases of its batches and the questions of its calls under way. */
export interface LeaseKeeper {
  /** `onLost` is called once, when another has taken or ended the batch. */
  holdLease(lease: { id: string; fence: number }, onLost: () => void): void;
  /** Only this lease: the batch may have been taken again by this very process, under a new fence. */
  dropLease(lease: { id: string; fence: number }): void;
  holdAsks(asks: readonly HeldAsk[]): void;
  dropAsks(asks: readonly HeldAsk[]): void;
  close(): void;
}

interface HeldLease {
  id: string;
  fence: number;
  onLost: () => void;
}

/** Renews four times a lease. A connection error is no loss: the fence decides, when PostgreSQL answers again. */
export function createLeaseKeeper(options: {
  knex: Knex;
  leaseSeconds: number;
  logger: Logger;
}): LeaseKeeper {
  const leases = new Map<string, HeldLease>();
  const asks = new Map<string, HeldAsk>();
  let renewing = false;

  async function renew(): Promise<void> {
    if (renewing) return;
    renewing = true;
    try {
      const held = [...leases.values()];
      const ours = await renewLeases(options.knex, held, options.leaseSeconds);
      for (const lease of held) {
        // Not if it was dropped, or taken again under a new fence, while the statement ran.
        if (ours.has(lease.id) || leases.get(lease.id) !== lease) continue;
        leases.delete(lease.id);
        lease.onLost();
      }
      await renewAsks(options.knex, [...asks.values()], options.leaseSeconds);
    } catch (error) {
      options.logger.warn({ err: error, leases: leases.size }, 'leases could not be renewed; trying again');
    } finally {
      renewing = false;
    }
  }

  const timer = setInterval(() => void renew(), (options.leaseSeconds * 1000) / 4);
  return {
    holdLease: ({ id, fence }, onLost) => void leases.set(id, { id, fence, onLost }),
    dropLease: ({ id, fence }) => void (leases.get(id)?.fence === fence && leases.delete(id)),
    holdAsks: (held) => held.forEach((ask) => asks.set(ask.lookupId, ask)),
    dropAsks: (held) =>
      held.forEach((ask) => asks.get(ask.lookupId)?.ask === ask.ask && asks.delete(ask.lookupId)),
    close: () => clearInterval(timer),
  };
}
