import { loadConfig, type Config } from '@leadwell/shared/config/config';
import {
  batchJobId,
  openBatchQueues,
  queueLocation,
  type BatchQueues,
} from '@leadwell/shared/queue/batch-queues';
import {
  explainBatch,
  inWords,
  type AskedJobState,
  type BatchExplanation,
  type ShownBatchState,
} from '@leadwell/shared/relay/explain-batch';
import { QUEUED_AT_MOST } from '@leadwell/shared/relay/relay';
import {
  listBatchStates,
  type BatchState,
  type StoredBatchState,
} from '@leadwell/shared/repositories/batch-states';
import { Option, type Command } from 'commander';
import { readBatchId, readId, readLimit } from '../arguments';
import { CliError } from '../errors';
import { formatTable, writeResult, type OutputOptions } from '../output';
import { requireOrganisation } from '../require-organisation';
import { withDatabase } from '../with-database';

interface BatchesOptions extends OutputOptions {
  org?: string;
  request?: string;
  id?: string;
  state?: Exclude<ShownBatchState, 'complete'>;
  limit: number;
}

type ShownBatch = Omit<BatchState, 'state'> & BatchExplanation;

type WantedState = NonNullable<BatchesOptions['state']>;

/** Among which stored states each is found: whether a queued batch is a ghost, or lost and so due again, the queue says. */
const STORED_STATES: Record<WantedState, readonly StoredBatchState[]> = {
  due: ['due', 'queued'],
  queued: ['queued'],
  leased: ['leased'],
  waiting: ['waiting'],
  ghost: ['queued'],
  overdue: ['overdue'],
};

/** `batches`: where work is, and why it is there. */
export function addBatchesCommand(program: Command): void {
  program
    .command('batches')
    .description('open batches, oldest first: where each is and why')
    .option('--org <id>', 'of one organisation (default: all)', readId)
    .option('--request <id>', 'of one request, complete ones too', readId)
    .option('--id <id>', 'one batch, by its id or by its job’s: b-…-g1', readBatchId)
    .addOption(new Option('--state <state>', 'only those').choices(Object.keys(STORED_STATES)))
    .option('--limit <count>', 'how many at most', readLimit, 100)
    .option('--json', 'print the result as JSON, on the last line')
    .action(listBatches);
}

async function listBatches(options: BatchesOptions): Promise<void> {
  const batches = await withDatabase(async (knex, url) => {
    if (options.org !== undefined) await requireOrganisation(knex, options.org);
    const config = loadConfig(process.env);
    const stored = await listBatchStates(knex, {
      orgId: options.org ?? null,
      requestId: options.request ?? null,
      batchId: options.id ?? null,
      states: options.state === undefined ? null : STORED_STATES[options.state],
      leaseSeconds: config.leaseSeconds,
      limit: options.state === undefined ? options.limit : SEARCHED_AT_MOST,
    });
    return explainAll(stored, config, url);
  });
  if (options.id !== undefined && batches.length === 0)
    throw new CliError(
      `There is no batch ${options.id}; \`npm run cli -- batches\` lists those that are open.`,
    );
  const shown = batches
    .filter(({ state }) => options.state === undefined || state === options.state)
    .slice(0, options.limit);
  writeResult(options, { batches: shown }, shown.length > 0 ? tableOf(shown) : 'There are no such batches.');
}

/** Looked through for a state that the queue must be asked for. */
const SEARCHED_AT_MOST = 10_000;
const QUESTIONS_AT_ONCE = 16;

async function explainAll(
  batches: readonly BatchState[],
  config: Config,
  databaseUrl: string,
): Promise<ShownBatch[]> {
  const queued = batches.filter(({ state }) => state === 'queued');
  const jobs =
    queued.length === 0 ? new Map<string, AskedJobState>() : await askQueue(queued, config, databaseUrl);
  return batches.map((batch) => ({
    ...batch,
    ...explainBatch(batch, jobs.get(batch.id) ?? 'unasked', QUEUED_AT_MOST),
  }));
}

/** What the queue says of each; from its first failure on it is not asked again. */
async function askQueue(
  batches: readonly BatchState[],
  config: Config,
  databaseUrl: string,
): Promise<Map<string, AskedJobState>> {
  const queues = openBatchQueues(queueLocation(config, databaseUrl), () => undefined);
  const states = new Map<string, AskedJobState>();
  try {
    for (let start = 0; start < batches.length; start += QUESTIONS_AT_ONCE) {
      const group = batches.slice(start, start + QUESTIONS_AT_ONCE);
      const answers = await Promise.all(group.map((batch) => askForJob(queues, batch)));
      group.forEach(({ id }, index) => states.set(id, answers[index] ?? 'unasked'));
      if (answers.includes('unreachable')) break;
    }
    return states;
  } finally {
    await queues.close();
  }
}

async function askForJob(queues: BatchQueues, batch: BatchState): Promise<AskedJobState> {
  try {
    return await queues.getState(batch.field, batchJobId(batch.id, batch.generation));
  } catch {
    return 'unreachable';
  }
}

function tableOf(batches: readonly ShownBatch[]): string {
  const headings = [
    'BATCH',
    'REQUEST',
    'ORGANISATION',
    'FIELD',
    'PENDING',
    'STATE',
    'NEXT CHECK',
    'LEASED BY',
  ];
  const rows = batches.map((batch) => [
    batch.id,
    batch.requestId,
    batch.orgId,
    batch.field,
    `${batch.pendingCount}/${batch.size}`,
    batch.state,
    batch.state === 'complete' ? '' : nextCheckOf(batch),
    batch.leasedBy ?? '',
    String(batch.deliveries),
    inWords(batch.ageSeconds),
    batch.why,
  ]);
  return formatTable([...headings, 'DELIVERIES', 'AGE', 'WHY'], rows);
}

function nextCheckOf({ nextCheckSeconds }: ShownBatch): string {
  return nextCheckSeconds >= 0 ? `in ${inWords(nextCheckSeconds)}` : `${inWords(-nextCheckSeconds)} ago`;
}
