import { execute, query, type Db } from '../db/database';
import type { BreakerKind } from './provider-limits';

export interface OpenBreaker {
  kind: BreakerKind;
  /** For a person. */
  reason: string;
  /** Until it closes or lets a probe through. */
  remainingSeconds: number;
}

export interface BreakerOpening {
  account: string;
  kind: BreakerKind;
  reason: string;
  seconds: number;
  /** Doubles with every failed probe, up to this; where it is no more than `seconds`, it never doubles. */
  secondsAtMost: number;
}

/**
 * Opens a breaker for all processes. One that is open stays open at least as long as it was, and keeps its kind unless the
 * new one ends later; opened again after its time, by a failed probe of the same kind, it takes twice as long.
 */
export async function openBreaker(db: Db, opening: BreakerOpening): Promise<void> {
  await execute(
    db,
    `INSERT INTO provider_breakers AS b (account, kind, reason, open_until, opened_at)
     VALUES (:account, :kind, :reason, clock_timestamp() + make_interval(secs => :seconds), clock_timestamp())
     ON CONFLICT (account) DO UPDATE
        SET kind = excluded.kind, reason = excluded.reason, opened_at = excluded.opened_at,
            reopened = CASE WHEN b.kind <> excluded.kind THEN 0
                            -- A straggler of the burst that opened it: no failed probe, and no fresh start either.
                            WHEN b.open_until > clock_timestamp() THEN b.reopened ELSE least(b.reopened + 1, 20) END,
            open_until = CASE WHEN b.kind = excluded.kind AND b.open_until <= clock_timestamp()
              THEN clock_timestamp() + make_interval(secs => greatest(:seconds, least(:secondsAtMost, :seconds * 2 ^ least(b.reopened + 1, 20))))
              ELSE excluded.open_until END,
            probe_until = NULL, probe_holder = NULL
      -- Ten calls that fail together open it once.
      WHERE b.open_until <= clock_timestamp() OR b.open_until < excluded.open_until AND b.kind <> excluded.kind
            OR b.kind = 'rate' AND excluded.kind = 'rate' AND b.open_until < excluded.open_until`,
    { ...opening },
  );
}

/** Closes a breaker whose time has passed: a call has succeeded. One that is open stays open. */
export async function closeBreaker(db: Db, account: string): Promise<void> {
  await execute(
    db,
    `DELETE FROM provider_breakers WHERE account = :account AND open_until <= clock_timestamp()`,
    { account },
  );
}

/** The breaker of an account while it is open; undefined where the account may be asked, a probe included. */
export async function findOpenBreaker(db: Db, account: string): Promise<OpenBreaker | undefined> {
  const [row] = await query<OpenBreaker>(
    db,
    `SELECT kind, reason, extract(epoch FROM open_until - clock_timestamp())::double precision AS "remainingSeconds"
       FROM provider_breakers WHERE account = :account AND open_until > clock_timestamp()`,
    { account },
  );
  return row;
}

export interface ListedBreaker extends OpenBreaker {
  /** Provider, base URL and a fingerprint of the key. */
  account: string;
  /** Opened again this often by failed probes. */
  reopened: number;
}

/** Every breaker that is open now, the one that lasts longest first; for operators. */
export async function listOpenBreakers(db: Db): Promise<ListedBreaker[]> {
  return query<ListedBreaker>(
    db,
    `SELECT account, kind, reason, reopened,
            extract(epoch FROM open_until - clock_timestamp())::double precision AS "remainingSeconds"
       FROM provider_breakers WHERE open_until > clock_timestamp() ORDER BY open_until DESC LIMIT 100`,
  );
}
