import { createHash } from 'node:crypto';
import knex, { type Knex } from 'knex';
import { types } from 'pg';
import { toArrayLiteral } from './array-literal';
import { keepPlansFresh } from './fresh-plans';
import { watchForSilence, type WatchedConnection } from './silence';

/** A pool or a transaction of it: whatever a repository function runs on. */
export type Db = Knex | Knex.Transaction;
export type { Knex } from 'knex';

// bigint arrives as text by default; counts and balances stay far below 2^53, which the CHECKs and prices bound.
types.setTypeParser(types.builtins.INT8, Number);
types.setTypeParser(types.builtins.NUMERIC, Number);

export interface DatabaseOptions {
  url: string;
  /** Connections at most. */
  poolSize: number;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** How long a caller waits for a connection before it fails as unavailable. Defaults to 3,000. */
  acquireTimeoutMs?: number;
  /**
   * How long one statement may run, locks included; 0: as long as it takes. One transaction's by `allowStatementTime`. A server that
   * says nothing is given up five seconds later, unless it is 0. Defaults to 15,000.
   */
  statementTimeoutMs?: number;
  /** How long one statement may wait for a lock. Defaults to `statementTimeoutMs`. */
  lockTimeoutMs?: number;
  /** What one step of a statement may hold before it loses detail or goes to disk (work_mem). Defaults to the server's. */
  workMemMb?: number;
  /**
   * For what calls wait for: tables are read by an index wherever one serves. A plan that is kept for any values is made while some part of
   * a table is nearly empty, where reading it whole is cheapest, and is used on while it fills: 562 instead of 18 ms for 1,000 leads.
   */
  readsByIndex?: boolean;
  /**
   * For processes whose every statement is right by one plan, whatever the values: a connection plans each prepared one once, where
   * PostgreSQL would do so five times at least, and for ever where it thinks that arrays of this length deserve it. Not for searches.
   */
  plansOnce?: boolean;
}

const STATEMENT_TIMEOUT_MS = 15_000;

/** A pool of connections. Nothing connects before the first statement; one is kept from then on, the others end when idle. `destroy()` ends it. */
export function openDatabase(options: DatabaseOptions): Knex {
  const { statementTimeoutMs = STATEMENT_TIMEOUT_MS, lockTimeoutMs } = options;
  return knex({
    client: 'pg',
    connection: {
      connectionString: options.url,
      application_name: options.applicationName,
      statement_timeout: statementTimeoutMs,
      ...(lockTimeoutMs !== undefined && { lock_timeout: lockTimeoutMs }),
      // A session whose process died, or whose event loop stands still, must not keep its locks.
      idle_in_transaction_session_timeout: 20_000,
      connectionTimeoutMillis: 3_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      ...sessionOptions(options),
    },
    pool: {
      // Made anew after every quiet half minute, with its statements parsed and planned again, it would cost the next call a multiple of its time.
      min: 1,
      max: options.poolSize,
      idleTimeoutMillis: 30_000,
      afterCreate(connection: WatchedConnection, done: (error: null, connection: WatchedConnection) => void) {
        watchForSilence(connection, statementTimeoutMs);
        keepPlansFresh(connection);
        done(null, connection);
      },
    },
    acquireConnectionTimeout: options.acquireTimeoutMs ?? 3_000,
    log: SILENT,
  });
}

/** Without `jit`, which a plan that must read a table whole all the same would set off: it seems very dear. */
function sessionOptions({ workMemMb, readsByIndex, plansOnce }: DatabaseOptions): { options?: string } {
  const settings = [
    ...(workMemMb === undefined ? [] : [`work_mem=${workMemMb}MB`]),
    ...(readsByIndex ? ['enable_seqscan=off', 'jit=off'] : []),
    ...(plansOnce ? ['plan_cache_mode=force_generic_plan'] : []),
  ];
  return settings.length > 0 ? { options: settings.map((setting) => `-c ${setting}`).join(' ') } : {};
}

/** knex prints stacks to stdout, also of errors that it throws as well: whoever catches them says what is to be said. */
const SILENT: Knex.Logger = { warn: noop, error: noop, debug: noop, deprecate: noop };
function noop(): void {
  // Nothing is printed.
}

/** Values for `?` in order, or for `:name` by name. An array is one value: `= ANY(?)`. */
export type Bindings = readonly unknown[] | Readonly<Record<string, unknown>>;

/** Runs one statement with `?` or `:named` bindings and gives its rows. */
export async function query<Row>(db: Db, sql: string, bindings: Bindings = []): Promise<Row[]> {
  const result: { rows: Row[] } = await db.raw(sql, toKnex(bindings));
  return result.rows;
}

/** Runs one statement and gives the number of rows it changed. */
export async function execute(db: Db, sql: string, bindings: Bindings = []): Promise<number> {
  const result: { rowCount: number | null } = await db.raw(sql, toKnex(bindings));
  return result.rowCount ?? 0;
}

/**
 * As `query`, prepared: each connection parses the text once, and plans it no more when PostgreSQL finds that the values do
 * not matter. For what calls wait for: an accept of one lead spent more on parsing and planning than on running. Only for
 * texts of which there are few, since a connection keeps each, and whose plan is right for any values.
 */
export async function queryPrepared<Row>(db: Db, sql: string, bindings: Bindings = []): Promise<Row[]> {
  const result = await prepare<{ rows: Row[] }>(db, sql, bindings);
  return result.rows;
}

/** As `execute`, prepared: see `queryPrepared`. */
export async function executePrepared(db: Db, sql: string, bindings: Bindings = []): Promise<number> {
  const result = await prepare<{ rowCount: number | null }>(db, sql, bindings);
  return result.rowCount ?? 0;
}

function prepare<Result>(db: Db, sql: string, bindings: Bindings): Knex.Raw<Result> {
  return db.raw<Result>(sql, toKnex(bindings)).options({ name: nameOf(sql) });
}

function toKnex(bindings: Bindings): Knex.ValueDict {
  if (Array.isArray(bindings)) return bindings.map(toArrayLiteral) as unknown as Knex.ValueDict;
  const named: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(bindings)) named[name] = toArrayLiteral(value);
  return named as Knex.ValueDict;
}

const names = new Map<string, string>();

/** The same text has the same name in every process; two texts never share one. */
function nameOf(sql: string): string {
  let name = names.get(sql);
  if (name === undefined) {
    name = `leadwell_${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`;
    names.set(sql, name);
  }
  return name;
}
