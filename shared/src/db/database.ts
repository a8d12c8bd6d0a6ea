import { createHash } from 'node:crypto';
import knex, { type Knex } from 'knex';
import { types } from 'pg';

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
  /** How long one statement may run, locks included. Defaults to 15,000. */
  statementTimeoutMs?: number;
}

/** A pool of connections. Nothing connects before the first statement; `destroy()` ends it. */
export function openDatabase(options: DatabaseOptions): Knex {
  return knex({
    client: 'pg',
    connection: {
      connectionString: options.url,
      application_name: options.applicationName,
      statement_timeout: options.statementTimeoutMs ?? 15_000,
      // A session whose process died, or whose event loop stands still, must not keep its locks.
      idle_in_transaction_session_timeout: 20_000,
      connectionTimeoutMillis: 3_000,
      keepAlive: true,
    },
    pool: { min: 0, max: options.poolSize, idleTimeoutMillis: 30_000 },
    acquireConnectionTimeout: options.acquireTimeoutMs ?? 3_000,
    log: SILENT,
  });
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
  const result: { rows: Row[] } = await db.raw(sql, bindings as Knex.ValueDict);
  return result.rows;
}

/** Runs one statement and gives the number of rows it changed. */
export async function execute(db: Db, sql: string, bindings: Bindings = []): Promise<number> {
  const result: { rowCount: number | null } = await db.raw(sql, bindings as Knex.ValueDict);
  return result.rowCount ?? 0;
}

/**
 * As `query`, for a statement that workers run many times a second: a connection parses it once and, after five runs, plans it no more where
 * PostgreSQL finds one plan as good for all bindings. Half of PostgreSQL's time went there. The text must be a constant: every
 * connection keeps each for good. A pooler between us and PostgreSQL must know prepared statements (PgBouncer: 1.21 or later).
 */
export async function queryPrepared<Row>(db: Db, sql: string, bindings: Bindings = []): Promise<Row[]> {
  const result: { rows: Row[] } = await prepare(db, sql, bindings);
  return result.rows;
}

/** As `execute`; see `queryPrepared`. */
export async function executePrepared(db: Db, sql: string, bindings: Bindings = []): Promise<number> {
  const result: { rowCount: number | null } = await prepare(db, sql, bindings);
  return result.rowCount ?? 0;
}

const names = new Map<string, string>();

function prepare<Result>(db: Db, sql: string, bindings: Bindings): Knex.Raw<Result> {
  let name = names.get(sql);
  if (name === undefined) {
    name = `leadwell_${createHash('sha256').update(sql).digest('hex').slice(0, 16)}`;
    names.set(sql, name);
  }
  return db.raw<Result>(sql, bindings as Knex.ValueDict).options({ name });
}
