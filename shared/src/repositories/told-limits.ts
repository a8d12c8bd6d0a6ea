import { execute, type Db } from '../db/database';
import type { LimitWindow } from './provider-limits';

/** What a provider told of one window of an account. */
export interface ToldLimit extends LimitWindow {
  account: string;
  remaining: number | null;
  /** Until `remaining` is the whole amount again. */
  resetMs: number;
  /** Tests only: the time, instead of the clock's. */
  clockMs?: number;
}

/**
 * Keeps what a provider told: from now on every booking of the account, by any process, stays within it too. Never loosens a
 * limit. Its amount is forgotten an hour after it was last told, or one window after where that is longer; what the provider
 * counted beyond our own calls, at the reset.
 */
export async function tellProviderLimit(db: Db, told: ToldLimit): Promise<void> {
  await execute(
    db,
    `SELECT tell_provider_limit(:account, :windowMs, :unit, :amount, :remaining, :resetMs, :clockMs)`,
    { ...told, clockMs: told.clockMs ?? null },
  );
}
