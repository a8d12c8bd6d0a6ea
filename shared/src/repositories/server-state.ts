import { query, type Db } from '../db/database';
import type { Field } from '../domain/enrichment';

/** What the PostgreSQL server says of itself. */
export interface ServerState {
  /** As 150004 for 15.4. */
  version: number;
  connections: number;
  /** Left to ordinary users. */
  maxConnections: number;
  /** Processes of ours that are connected; a worker always is, an API only while it is used. */
  workersConnected: number;
  apisConnected: number;
  /** Undefined where our user may not know. */
  dataDirectory: string | null;
  databaseBytes: number;
}

export async function getServerState(db: Db): Promise<ServerState> {
  const [state] = await query<ServerState>(
    db,
    `SELECT current_setting('server_version_num')::int AS version,
            (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
            current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS "maxConnections",
            (SELECT count(DISTINCT (client_addr, client_port))::int FROM pg_stat_activity
              WHERE datname = current_database() AND application_name = 'leadwell-worker') AS "workersConnected",
            (SELECT count(DISTINCT (client_addr, client_port))::int FROM pg_stat_activity
              WHERE datname = current_database() AND application_name = 'leadwell-api') AS "apisConnected",
            CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory') END AS "dataDirectory",
            pg_database_size(current_database()) AS "databaseBytes"`,
  );
  if (!state) throw new Error('PostgreSQL gave no row for its own state.');
  return state;
}

/** Whether work moves on: counts of open batches, all by the database's clock. */
export interface WorkState {
  open: number;
  /** Past their deadline by more than a minute: the relay ends them within seconds where one runs. */
  overdue: number;
  /** Nobody has looked at them for 30 s after their time, though nothing keeps them: no relay runs. */
  unlooked: number;
  /** In the queue for a minute, leased by nobody. */
  untaken: number;
  leased: number;
  /** The last time any worker took its first lease of a batch; null: never. */
  lastStartSeconds: number | null;
}

/** Changes and locks nothing; reads the open batches only, and the newest ones for the last start. */
export async function getWorkState(db: Db): Promise<WorkState> {
  const [state] = await query<WorkState>(
    db,
    `WITH open AS (
       SELECT *, clock_timestamp() AS read_at,
              bool_or(queued_at IS NOT NULL) OVER (PARTITION BY org_id, field) AS beside_queued,
              coalesce(lease_until > clock_timestamp(), false) AS leased
         FROM batches WHERE completed_at IS NULL
     )
     SELECT count(*)::int AS open,
            count(*) FILTER (WHERE deadline_at < read_at - interval '60 s')::int AS overdue,
            -- What waits for its organisation's room in the queue is not looked at, and need not be.
            count(*) FILTER (WHERE next_check_at < read_at - interval '30 s' AND (queued_at IS NOT NULL OR NOT beside_queued)
              AND (not_before IS NULL OR not_before < read_at - interval '30 s'))::int AS unlooked,
            count(*) FILTER (WHERE queued_at < read_at - interval '60 s' AND NOT leased
              AND coalesce(lease_until, queued_at) < read_at - interval '60 s')::int AS untaken,
            count(*) FILTER (WHERE leased)::int AS leased,
            (SELECT extract(epoch FROM clock_timestamp() - max(started_at))::double precision
               FROM (SELECT started_at FROM batches ORDER BY id DESC LIMIT 10000) newest) AS "lastStartSeconds"
       FROM open`,
  );
  if (!state) throw new Error('PostgreSQL gave no row for the state of work.');
  return state;
}

/** Fields of which some batch has been in the queue for a minute, leased by nobody: `untaken` of the state of work. */
export async function listUntakenFields(db: Db): Promise<Field[]> {
  const rows = await query<{ field: Field }>(
    db,
    `SELECT DISTINCT field FROM batches
      WHERE completed_at IS NULL AND queued_at < clock_timestamp() - interval '60 s'
        AND coalesce(lease_until, queued_at) < clock_timestamp() - interval '60 s'`,
  );
  return rows.map(({ field }) => field);
}
