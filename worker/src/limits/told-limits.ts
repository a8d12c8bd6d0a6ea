import type { Provider } from '@leadwell/providers/provider';
import { readRateHeaders, type ToldWindow } from '@leadwell/providers/rate-headers';
import type { ProviderResponse } from '@leadwell/providers/adapter';
import type { Knex } from '@leadwell/shared/db/database';
import type { LimitWindow } from '@leadwell/shared/repositories/provider-limits';
import { tellProviderLimit } from '@leadwell/shared/repositories/told-limits';
import type { Logger } from '@leadwell/shared/runtime/logger';
import { performance } from 'node:perf_hooks';
import { limitWindowsOf } from './limit-windows';

/** What is told again and again is written this often, by each process. */
const REPEAT_MS = 1_000;

/**
 * What a provider tells of its limits with every response. Two hundred responses a second must not become as many statements:
 * what cannot tighten anything is dropped here, and the rest is written once a second, or at once where a limit has shrunk.
 */
export class ToldLimits {
  private readonly windows: readonly LimitWindow[];
  private readonly written = new Map<string, { atMs: number; limit: number }>();

  constructor(
    private readonly knex: Knex,
    private readonly logger: Logger,
    private readonly provider: Provider,
  ) {
    this.windows = limitWindowsOf(provider);
  }

  /** Resolves when what is worth it is written. Never rejects: a limit that was not kept is told again. */
  async hear(headers: ProviderResponse['headers']): Promise<void> {
    for (const told of readRateHeaders(this.provider.adapter.rateHeaders ?? [], headers)) {
      const limit = told.limit ?? this.findConfigured(told);
      if (!this.isCounted(told)) continue;
      // How much a window takes that neither side names cannot be counted: a refusal then says how long to wait.
      if (limit === undefined || !this.isNews(told, limit)) continue;
      await this.write(told, limit);
    }
  }

  /** Whether calls are counted by such a window: another could not be compared with what has left. */
  private isCounted({ perSeconds, unit }: ToldWindow): boolean {
    return this.windows.some((window) => window.windowMs === perSeconds * 1000 && window.unit === unit);
  }

  private findConfigured({ perSeconds, unit }: ToldWindow): number | undefined {
    const limits = this.provider.limits.filter((own) => own.perSeconds === perSeconds && own.unit === unit);
    return limits.length === 0 ? undefined : Math.floor(Math.min(...limits.map(({ amount }) => amount)));
  }

  private isNews(told: ToldWindow, limit: number): boolean {
    const last = this.written.get(keyOf(told));
    const isNearlyUsed =
      told.remaining !== null && told.remaining <= Math.max(limit / 10, this.provider.concurrent);
    if (limit >= this.mostAllowed(told) && !isNearlyUsed && !(last && last.limit < limit)) return false;
    return !last || limit < last.limit || performance.now() - last.atMs >= REPEAT_MS;
  }

  /** The most that our own limits let out in a window of this length. */
  private mostAllowed({ perSeconds, unit }: ToldWindow): number {
    const own = this.provider.limits.filter((limit) => limit.unit === unit);
    return Math.min(...own.map((limit) => limit.amount * Math.ceil(perSeconds / limit.perSeconds)));
  }

  private async write(told: ToldWindow, limit: number): Promise<void> {
    const { perSeconds, unit, remaining, resetSeconds } = told;
    const { account, name } = this.provider;
    if (this.written.get(keyOf(told))?.limit !== limit && limit < this.mostAllowed(told)) {
      this.logger.warn(
        { provider: name, limit, perSeconds, unit },
        'the provider names a smaller limit than is set',
      );
    }
    this.written.set(keyOf(told), { atMs: performance.now(), limit });
    try {
      await tellProviderLimit(this.knex, {
        account,
        windowMs: perSeconds * 1000,
        unit,
        amount: limit,
        remaining,
        resetMs: resetSeconds * 1000,
      });
    } catch (error) {
      this.written.delete(keyOf(told));
      this.logger.warn({ err: error, provider: name }, 'a limit that the provider named could not be kept');
    }
  }
}

function keyOf({ perSeconds, unit }: ToldWindow): string {
  return `${perSeconds} ${unit}`;
}
