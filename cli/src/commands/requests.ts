import { listRequestsForOperator, type OperatorRequestSummary } from '@leadwell/shared/repositories/requests';
import type { Command } from 'commander';
import { readId, readLimit } from '../arguments';
import { CliError } from '../errors';
import { formatTable, writeResult, type OutputOptions } from '../output';
import { requireOrganisation } from '../require-organisation';
import { withDatabase } from '../with-database';

interface RequestsOptions extends OutputOptions {
  org?: string;
  id?: string;
  limit: number;
}

/** `requests`: the counters that clients see, of every organisation. */
export function addRequestsCommand(program: Command): void {
  program
    .command('requests')
    .description('accepted requests, newest first, with their counters')
    .option('--org <id>', 'of one organisation (default: all)', readId)
    .option('--id <id>', 'one request', readId)
    .option('--limit <count>', 'how many at most', readLimit, 50)
    .option('--json', 'print the result as JSON, on the last line')
    .action(listRequests);
}

async function listRequests(options: RequestsOptions): Promise<void> {
  const requests = await withDatabase(async (knex) => {
    if (options.org !== undefined) await requireOrganisation(knex, options.org);
    return listRequestsForOperator(knex, {
      orgId: options.org ?? null,
      requestId: options.id ?? null,
      limit: options.limit,
    });
  });
  if (options.id !== undefined && requests.length === 0)
    throw new CliError(`There is no request ${options.id}; \`npm run cli -- requests\` lists the newest.`);
  writeResult(options, { requests }, requests.length > 0 ? tableOf(requests) : 'There are no requests.');
}

const COUNTERS = ['total', 'pending', 'found', 'notFound', 'failed', 'timeout', 'cancelled'] as const;

function tableOf(requests: readonly OperatorRequestSummary[]): string {
  const headings = [
    'REQUEST',
    'ORGANISATION',
    'FIELD',
    'ACCEPTED',
    ...COUNTERS,
    'CHARGED',
    'REFUNDED',
    'END',
  ];
  const rows = requests.map((request) => [
    request.id,
    request.orgId,
    request.field,
    request.createdAt.toISOString(),
    ...COUNTERS.map((counter) => String(request[counter])),
    String(request.creditsCharged),
    String(request.creditsRefunded),
    endOf(request),
  ]);
  return formatTable(
    headings.map((heading) => heading.toUpperCase()),
    rows,
  );
}

function endOf({ finishedAt, estimatedEndAt }: OperatorRequestSummary): string {
  if (finishedAt) return finishedAt.toISOString();
  return estimatedEndAt ? `about ${estimatedEndAt.toISOString()}` : 'open';
}
