import type { Provider } from '@leadwell/providers/provider';
import type { Knex } from '@leadwell/shared/db/database';
import {
  closeBreaker,
  findOpenBreaker,
  openBreaker,
  type OpenBreaker,
} from '@leadwell/shared/repositories/provider-breakers';
import type { BreakerKind } from '@leadwell/shared/repositories/provider-limits';
import type { Logger } from '@leadwell/shared/runtime/logger';
import { performance } from 'node:perf_hooks';

/** The longest that a failed probe may stretch each kind to, where the provider does not say how long. */
const SECONDS_AT_MOST: Readonly<Record<BreakerKind, number>> = {
  auth: 3600,
  no_credit: 3600,
  // As long as most wait for a limit before they pass the provider over.
  rate: 60,
  down: 60,
};
const CACHE_MS = 1_000;

export interface Breakers {
  /**
   * Keeps every process from asking the provider for so long; after a probe that fails, twice as long, unless the provider
   * `said` how long. Rejects only if the database does.
   */
  open(provider: Provider, kind: BreakerKind, reason: string, seconds: number, said?: 'said'): Promise<void>;
  /** When this process last opened it, by `performance.now()`; before all time where it never did. */
  openedAtMs(provider: Provider): number;
  /** A call has succeeded: closes the provider's breaker if its time has passed. Costs a statement only where this process has seen one. */
  succeeded(provider: Provider): Promise<void>;
  /** The provider's open breaker, at most a second old; undefined where it may be asked. */
  findOpen(provider: Provider): Promise<OpenBreaker | undefined>;
}

/** The breakers of all providers, shared by all processes through PostgreSQL. The limiter reads them with every booking. */
export function createBreakers({ knex, logger }: { knex: Knex; logger: Logger }): Breakers {
  const cache = new Map<string, { readAtMs: number; breaker: OpenBreaker | undefined }>();
  const openedAtMs = new Map<string, number>();
  return {
    async open(provider, kind, reason, seconds, said) {
      cache.delete(provider.account);
      logger.warn({ provider: provider.name, kind, seconds, reason }, 'breaker opened');
      await openBreaker(knex, {
        account: provider.account,
        kind,
        reason,
        seconds,
        secondsAtMost: said ? seconds : SECONDS_AT_MOST[kind],
      });
      // What was booked until now did not see it.
      openedAtMs.set(provider.account, performance.now());
    },
    openedAtMs: (provider) => openedAtMs.get(provider.account) ?? -Infinity,
    async succeeded(provider) {
      cache.delete(provider.account);
      await closeBreaker(knex, provider.account);
    },
    async findOpen(provider) {
      const cached = cache.get(provider.account);
      if (cached && performance.now() - cached.readAtMs < CACHE_MS) return cached.breaker;
      const breaker = await findOpenBreaker(knex, provider.account);
      cache.set(provider.account, { readAtMs: performance.now(), breaker });
      return breaker;
    },
  };
}
