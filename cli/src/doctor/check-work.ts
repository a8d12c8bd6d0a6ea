import type { Db } from '@leadwell/shared/db/database';
import { inWords } from '@leadwell/shared/relay/explain-batch';
import { listOpenBreakers, type ListedBreaker } from '@leadwell/shared/repositories/provider-breakers';
import { getServerState, getWorkState, type WorkState } from '@leadwell/shared/repositories/server-state';
import { note, ok, wrong, type Finding } from './finding';

/** Whether accepted work moves on. */
export async function checkWork(db: Db): Promise<Finding[]> {
  const [work, server] = [await getWorkState(db), await getServerState(db)];
  return [workersFinding(work, server.workersConnected), overdueFinding(work)];
}

function workersFinding(work: WorkState, workers: number): Finding {
  const connected = `${workers} connection${workers === 1 ? '' : 's'} of workers`;
  if (work.unlooked > 0 && workers === 0) {
    return wrong(
      'workers',
      `No worker is running: ${inBatches(work.unlooked)} due and nobody looks at them.`,
      'Start one: `npm run worker` (or `docker compose up -d worker`). The work goes on where it stopped.',
    );
  }
  if (work.unlooked > 0) {
    return wrong(
      'workers',
      `${inBatches(work.unlooked)} due and nobody looks at them, though there are ${connected}.`,
      'Read the workers’ logs for "the relay could not look"; restart them if they say nothing.',
    );
  }
  if (work.untaken > 0 && work.leased === 0) {
    return wrong(
      'workers',
      `No worker takes from the queue, and ${inBatches(work.untaken)} waiting there for a minute (${startedWords(work)}).`,
      'Check that the workers have the same REDIS_URL and QUEUE_PREFIX as this command, then restart them.',
    );
  }
  if (workers === 0)
    return note(
      'workers',
      `No worker is running; ${work.open === 0 ? 'no batch is' : inBatches(work.open)} open.`,
      'Start one: `npm run worker`.',
    );
  return ok('workers', `${inBatches(work.open)} open, ${work.leased} at work, ${startedWords(work)}.`);
}

function inBatches(count: number): string {
  return count === 1 ? '1 batch is' : `${count} batches are`;
}

function startedWords({ lastStartSeconds }: WorkState): string {
  return lastStartSeconds === null
    ? 'none ever started'
    : `the last one started ${inWords(lastStartSeconds)} ago`;
}

function overdueFinding({ overdue }: WorkState): Finding {
  return overdue === 0
    ? ok('deadlines', 'No batch is past its deadline.')
    : wrong(
        'deadlines',
        `${inBatches(overdue)} more than a minute past the deadline.`,
        'A running worker ends and refunds them within seconds. If one runs, read its log for "could not be swept" and the batch: `npm run cli -- batches --state overdue`.',
      );
}

const BREAKER_ACTIONS: Record<ListedBreaker['kind'], string> = {
  auth: 'The provider refuses our key: put the right one into the variable that PROVIDERS_FILE names and restart the workers.',
  no_credit: 'The provider’s account is empty: top it up. It is tried again by itself.',
  rate: 'Nothing, if it passes. If it comes often, lower `limits` of this provider in PROVIDERS_FILE to what its plan allows.',
  down: 'The provider fails: look at its status page. It is tried again by itself; leads that it was skipped for end as failed, refunded.',
};

/** Providers that are not asked now. A limit that passes is no fault of ours or theirs. */
export async function checkBreakers(db: Db): Promise<Finding[]> {
  const breakers = await listOpenBreakers(db);
  if (breakers.length === 0) return [ok('providers', 'Every provider may be asked.')];
  return breakers.map(({ account, kind, reason, remainingSeconds }) =>
    (kind === 'rate' ? note : wrong)(
      'providers',
      `${nameOf(account)} is not asked for ${inWords(remainingSeconds)}: ${reason}`,
      BREAKER_ACTIONS[kind],
    ),
  );
}

/** Without the fingerprint of the key; with the endpoint, where the provider counts it by itself. */
function nameOf(account: string): string {
  const [provider, baseUrl, , endpoint] = account.split(' ');
  return `${provider}${endpoint === undefined ? '' : ` (${endpoint})`} at ${baseUrl}`;
}
