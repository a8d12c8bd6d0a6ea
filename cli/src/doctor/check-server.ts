import { statfs } from 'node:fs/promises';
import { listPendingMigrations } from '@leadwell/migrations/migrate';
import { EARLIER_SCHEMA_ADVICE, isEarlierSchema } from '@leadwell/shared/db/earlier-schema';
import { query, type Knex } from '@leadwell/shared/db/database';
import { auditQuickly } from '@leadwell/shared/ledger/audit';
import { getServerState } from '@leadwell/shared/repositories/server-state';
import { explainError } from '../errors';
import { inBytes } from '../bytes';
import { note, ok, wrong, type Finding } from './finding';

const OLDEST_VERSION = 150_000;
/** Beyond this share of max_connections, one more process may be refused. */
const BUSY_SHARE = 0.8;
const LOW_DISK_BYTES = 2 * 1024 ** 3;
const LOW_DISK_SHARE = 0.05;
const AUDIT_MS = 10_000;

/** Whether the database answers, and is of a version that will do. */
export async function checkDatabase(knex: Knex): Promise<Finding[]> {
  try {
    const { version, connections, maxConnections } = await getServerState(knex);
    const name = `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`;
    const reached =
      version >= OLDEST_VERSION
        ? ok('database', `${name} answers.`)
        : wrong('database', `${name} is too old.`, 'Move to PostgreSQL 15 or later.');
    return [reached, connectionsFinding(connections, maxConnections)];
  } catch (error) {
    return [wrong('database', 'The database does not answer as it should.', explainError(error))];
  }
}

function connectionsFinding(connections: number, maxConnections: number): Finding {
  const used = `${connections} of ${maxConnections} connections are in use`;
  return connections < maxConnections * BUSY_SHARE
    ? ok('connections', `${used}.`)
    : wrong(
        'connections',
        `${used}: the next process may be refused.`,
        'Raise max_connections of PostgreSQL, lower DATABASE_POOL_SIZE, or run fewer processes; docs/deploy.md says what each takes.',
      );
}

/** Whether the schema is what this program wants: neither older nor newer. */
export async function checkMigrations(knex: Knex): Promise<Finding> {
  const [found] = await query<{ isMigrated: boolean }>(
    knex,
    `SELECT to_regclass('schema_migrations') IS NOT NULL AS "isMigrated"`,
  );
  // knex would make the table of migrations; a doctor changes nothing.
  if (!found?.isMigrated)
    return wrong('migrations', 'The database has no tables yet.', 'Run `npm run migrate`.');
  if (await isEarlierSchema(knex))
    return wrong('migrations', 'An unreleased state of Leadwell made it.', EARLIER_SCHEMA_ADVICE);
  try {
    const pending = await listPendingMigrations(knex);
    return pending.length === 0
      ? ok('migrations', 'The schema is up to date.')
      : wrong(
          'migrations',
          `The database lacks ${pending.join(', ')}.`,
          'Run `npm run migrate`, then restart the processes.',
        );
  } catch {
    return wrong(
      'migrations',
      'The database has migrations that this program does not know.',
      'It is older than the database: run the newest version here too.',
    );
  }
}

/** Room on the database's disk, where that can be seen: on the same machine, by a user who may know the directory. */
export async function checkDisk(knex: Knex): Promise<Finding> {
  const { dataDirectory, databaseBytes } = await getServerState(knex);
  const size = `the database has ${inBytes(databaseBytes)}`;
  const free = dataDirectory === null ? null : await findFreeSpace(dataDirectory);
  if (!free) return note('disk', `The database’s disk cannot be seen from here; ${size}.`);
  const room = `${inBytes(free.bytes)} are free (${Math.round(free.share * 100)} %); ${size}`;
  return free.bytes > LOW_DISK_BYTES && free.share > LOW_DISK_SHARE
    ? ok('disk', `${room}.`)
    : wrong(
        'disk',
        `${room}.`,
        'Enlarge the database’s disk now: a full one stops every write until there is room.',
      );
}

async function findFreeSpace(directory: string): Promise<{ bytes: number; share: number } | null> {
  try {
    const { bavail, blocks, bsize } = await statfs(directory);
    return { bytes: bavail * bsize, share: bavail / blocks };
  } catch {
    return null;
  }
}

/** The quick half of the audit. */
export async function checkBooks(knex: Knex): Promise<Finding[]> {
  try {
    const { invariants } = await auditQuickly(knex, AUDIT_MS);
    const violated = invariants.filter(({ violations }) => violations > 0);
    if (violated.length === 0)
      return [ok('audit', 'Balances and pending rows add up; `npm run cli -- audit` checks the rest.')];
    return violated.map(({ name, violations }) =>
      wrong(
        'audit',
        `${name}: ${violations} violations.`,
        'See "credits do not add up" in docs/operations.md.',
      ),
    );
  } catch (error) {
    return [
      note(
        'audit',
        `The quick audit took more than 10 s, or failed: ${explainError(error)}`,
        'Run `npm run cli -- audit`.',
      ),
    ];
  }
}
