import type { Provider } from '@leadwell/providers/provider';
import type { Knex } from '@leadwell/shared/db/database';
import { newId } from '@leadwell/shared/domain/ids';
import { deleteProviderSlots } from '@leadwell/shared/repositories/provider-slots';
import type { Logger } from '@leadwell/shared/runtime/logger';
import { BookingQueue } from './booking-queue';
import { createBreakers, type Breakers } from './breaker';
import { HeldReservation } from './held-reservation';
import type { Limiter } from './reservation';

export type * from './reservation';

/**
 * The limits of all providers, kept in PostgreSQL by all processes together. Nothing is granted without the database. See
 * `book_provider_calls` in the migrations for why a limit is never exceeded.
 */
export function createLimiter({
  knex,
  logger,
  breakers,
  leaseSeconds = 8,
}: {
  knex: Knex;
  logger: Logger;
  breakers?: Breakers;
  /** How long the places of a process that says nothing stay taken. Defaults to 8. */
  leaseSeconds?: number;
}): Limiter {
  const holderId = newId();
  const shared = breakers ?? createBreakers({ knex, logger });
  const queues = new Map<string, BookingQueue>();
  const queueOf = (provider: Provider): BookingQueue => {
    const queue =
      queues.get(provider.account) ??
      new BookingQueue(knex, logger, holderId, provider, shared, leaseSeconds * 1000);
    queues.set(provider.account, queue);
    return queue;
  };
  return {
    async reserve(provider, records, signal, { claimFollows = false } = {}) {
      const queue = queueOf(provider);
      const booking = await queue.book({ records, placed: false, missed: 0, claimFollows }, signal);
      return booking.granted ? new HeldReservation(queue, records, booking) : booking;
    },
    recordsAtMost: (provider) => queueOf(provider).recordsAtMost,
    pause: (provider, seconds, reason) => shared.open(provider, 'rate', reason, seconds, 'said'),
    async close() {
      const inFlight = [...queues.values()].some((queue) => queue.hasCallsInFlight);
      for (const queue of queues.values()) queue.close();
      if (!inFlight) await deleteProviderSlots(knex, holderId).catch(() => undefined);
    },
  };
}
