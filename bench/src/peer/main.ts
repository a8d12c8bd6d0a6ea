/**
 * What most people write: one job per lead, which asks the provider and writes what it found by one UPDATE. It keeps none
 * of our promises: no claim, no limit, no money, no retry. A process of its own, as ours are.
 */
import { Pool } from 'pg';
import { ProviderClient } from '../clients/provider-client';
import { startPeerConsumer, type PeerJob } from './peer-queue';

/** As many calls in flight as we may have. */
const CONCURRENCY = 50;
const DATABASE_CONNECTIONS = 20;

const UPDATE = {
  name: 'update',
  text: 'UPDATE peer_leads SET status = $2, email = $3, updated_at = clock_timestamp() WHERE id = $1',
};

/** Everything the peer is told stands in its environment. */
async function main(): Promise<void> {
  const { PEER_DATABASE_URL = '', PEER_REDIS_URL, PEER_PREFIX = '', PEER_SANDBOX_URL = '' } = process.env;
  const pool = new Pool({ connectionString: PEER_DATABASE_URL, max: DATABASE_CONNECTIONS });
  const calls = new ProviderClient(PEER_SANDBOX_URL, CONCURRENCY);
  const work = async ({ provider, person }: PeerJob): Promise<void> => {
    const { state, email } = await calls.find(provider, person);
    await pool.query({ ...UPDATE, values: [person.id, state, email] });
  };
  const location = { redisUrl: PEER_REDIS_URL, databaseUrl: PEER_DATABASE_URL, prefix: PEER_PREFIX };
  const worker = startPeerConsumer(location, work, CONCURRENCY);
  worker.on('error', (error) => process.stderr.write(`${error.message}\n`));
  worker.on('failed', (_job, error) => process.stderr.write(`${error.message}\n`));
  process.once('SIGTERM', () => process.exit(0));
  await worker.waitUntilReady();
  process.stdout.write('peer ready\n');
}

void main();
