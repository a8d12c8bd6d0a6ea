/** The peer, as a group runs it: its database, its process, and how long it takes for a number of leads. */
import { startProcess } from '@leadwell/cli/local/child-process';
import { newId } from '@leadwell/shared/domain/ids';
import { waitUntil } from '@leadwell/shared/testing/wait-until';
import type { Client } from 'pg';
import type { Person } from '../clients/provider-client';
import type { Backend, BenchContext } from '../context';
import { openPeerQueue, type PeerJob, type PeerQueue } from './peer-queue';

export interface Peer {
  /** Leads a second: from the moment at which the jobs, all queued before, may be taken, until the last row is written. */
  drain(provider: PeerJob['provider'], people: readonly Person[]): Promise<number>;
}

const DRAIN_MS = 240_000;

const TABLE = `CREATE TABLE peer_leads (id uuid PRIMARY KEY, first_name text, last_name text, domain text,
  status text NOT NULL DEFAULT 'pending', email text, updated_at timestamptz)`;

/** Starts it over a database of its own. Ended with the group. */
export async function startPeer(context: BenchContext, backend: Backend, sandboxUrl: string): Promise<Peer> {
  const database = await context.createDatabase();
  const client = await database.connect();
  await client.query(TABLE);
  const prefix = `p${newId().slice(-10)}`;
  const started = startProcess({
    name: 'peer',
    script: 'bench/dist/peer/main.js',
    env: {
      PEER_DATABASE_URL: database.url,
      PEER_PREFIX: prefix,
      PEER_SANDBOX_URL: sandboxUrl,
      ...(backend.redisUrl !== undefined && { PEER_REDIS_URL: backend.redisUrl }),
    },
  });
  context.onEnd('peer', () => started.stop(5_000));
  const queue = openPeerQueue({ redisUrl: backend.redisUrl, databaseUrl: database.url, prefix });
  context.onEnd('queue of the peer', () => queue.close());
  await waitUntil(() => started.describeEnd().includes('peer ready') || started.hasEnded(), {
    timeoutMs: 60_000,
    message: 'the peer to be ready',
  });
  if (started.hasEnded()) throw new Error(started.describeEnd());
  return { drain: (provider, people) => drain(client, queue, provider, people) };
}

async function drain(
  client: Client,
  { queue }: PeerQueue,
  provider: PeerJob['provider'],
  people: readonly Person[],
): Promise<number> {
  await client.query('TRUNCATE peer_leads');
  await client.query(
    `INSERT INTO peer_leads (id, first_name, last_name, domain)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])`,
    [
      people.map(({ id }) => id),
      people.map(({ firstName }) => firstName),
      people.map(({ lastName }) => lastName),
      people.map(({ domain }) => domain),
    ],
  );
  await client.query('ANALYZE peer_leads');
  await queue.pause();
  await queue.addBulk(people.map((person) => ({ name: 'enrich', data: { provider, person } })));
  const { rows } = await client.query<{ now: Date }>('SELECT clock_timestamp() AS now');
  await queue.resume();
  const ended = await waitUntil(() => findEnd(client), { timeoutMs: DRAIN_MS, message: 'the peer to drain' });
  return people.length / ((ended.getTime() - (rows[0]?.now.getTime() ?? 0)) / 1000);
}

/** When the last row was written; null while one is pending. */
async function findEnd(client: Client): Promise<Date | null> {
  const { rows } = await client.query<{ pending: boolean; end: Date | null }>(
    `SELECT coalesce(bool_or(status = 'pending'), false) AS pending, max(updated_at) AS end FROM peer_leads`,
  );
  return rows[0]?.pending === false ? rows[0].end : null;
}
