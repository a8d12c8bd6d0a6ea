/** What both sides are compared by, in the model's words. */
import { isSuppressionError } from '@leadwell/shared/domain/suppression';
import { query } from '@leadwell/shared/db/database';
import type { Model } from './state';
import type { Service } from './service';

export interface Observation {
  /** `balance = added + refunded - consumed`, of each organisation. */
  accounts: string[];
  /** By name: the state, the money and the batch of every row that was ever written. */
  rows: Record<string, string>;
  requests: Record<string, string>;
  lookups: Record<string, string>;
  jobs: Record<string, string>;
}

export function observeModel(model: Model): Observation {
  const rows = Object.values(model.rows).map((row): [string, string] => {
    const batch = row.batch === null ? null : model.batches[row.batch]!;
    const told = { ...row, hasDebit: row.price > 0, attempts: Object.entries(row.attempts), batch };
    return [
      row.name,
      rowText({
        ...told,
        answeredBy: row.answeredBy?.split(' ')[0] ?? null,
        attempts: told.attempts.map(([provider, { outcome }]) => ({ provider, outcome })),
      }),
    ];
  });
  return sorted({
    accounts: model.accounts.map((account) => accountText(account)),
    rows: Object.fromEntries(rows),
    requests: mapped(model.requests, requestText),
    lookups: mapped(model.lookups, lookupText),
    jobs: model.jobs,
  });
}

interface RowFacts {
  status: string;
  isSuppressed: boolean;
  found: boolean | null;
  price: number;
  hasDebit: boolean;
  isRefunded: boolean;
  isLive: boolean;
  answeredBy: string | null;
  attempts: { provider: string; outcome: string | null }[];
  batch: BatchFacts | null;
}

interface BatchFacts {
  fence: number;
  deliveries: number;
  generation: number;
  isComplete: boolean;
  isLeased: boolean;
  isQueued: boolean;
}

function rowText(row: RowFacts): string {
  const money = `${row.price}${row.hasDebit ? ' paid' : ''}${row.isRefunded ? ' refunded' : ''}`;
  const end = `${row.status}${row.isSuppressed ? ' suppressed' : ''} found ${row.found} by ${row.answeredBy}`;
  const tried = row.attempts.map(({ provider, outcome }) => `${provider} ${outcome}`).sort();
  const of = row.batch;
  const batch = of && `fence ${of.fence} deliveries ${of.deliveries} g${of.generation}`;
  const flags = of && [of.isComplete && 'complete', of.isLeased && 'leased', of.isQueued && 'queued'];
  return [
    `${end}; ${money}; ${row.isLive ? 'live' : 'superseded'}; [${tried.join(', ')}]`,
    ...(batch ? [batch, ...flags!.filter(Boolean)] : []),
  ].join('; ');
}

function accountText(account: {
  balance: number;
  added: number;
  refunded: number;
  consumed: number;
}): string {
  return `${account.balance} = ${account.added} + ${account.refunded} - ${account.consumed}`;
}

function requestText(request: { rows: string[]; charged: number; isCancelled: boolean }): string {
  return `${request.rows.join(' ')}; ${request.charged}${request.isCancelled ? '; cancelled' : ''}`;
}

function lookupText(lookup: { state: string; ask: number; repeats: number; isFresh: boolean }): string {
  return `${lookup.state} ask ${lookup.ask} repeats ${lookup.repeats}${lookup.isFresh ? ' fresh' : ''}`;
}

interface Stored {
  accounts: { org: string; balance: number; added: number; refunded: number; consumed: number }[];
  rows: (Omit<RowFacts, 'isSuppressed'> & {
    id: string;
    lead: string;
    request: string;
    error: string | null;
    batchId: string | null;
  })[];
  requests: { id: string; rows: string[] | null; charged: number; isCancelled: boolean }[];
  lookups: { key: string; hash: string; state: string; ask: number; repeats: number; isFresh: boolean }[];
}

/** By enrichment id: the model's name of the row. */
export type RowNames = ReadonlyMap<string, string>;

/** Reads all of a sequence in one statement. */
export async function observeService(service: Service): Promise<{ seen: Observation; rowNames: RowNames }> {
  const [{ all }] = (await query<{ all: Stored }>(service.knex, OBSERVE, {
    orgIds: service.orgIds,
    hashes: [...service.hashes.values()],
  })) as [{ all: Stored }];
  const { names } = service;
  const rowNames = new Map(
    all.rows.map(({ id, lead, request }) => [
      id,
      `${names.nameOf(request)}/${service.leadIds.indexOf(lead)}`,
    ]),
  );
  // A batch that nobody has named yet was split off: it has one row, whose name it takes.
  for (const { id, batchId } of all.rows)
    if (batchId !== null && names.nameOf(batchId) === batchId) names.set(`${rowNames.get(id)}!`, batchId);
  const nameOf = (id: string): string => rowNames.get(id) ?? id;
  const questionOf = new Map([...service.hashes].map(([name, hash]) => [hash.toString('hex'), name]));
  const rows = all.rows.map((row) => [
    nameOf(row.id),
    rowText({ ...row, isSuppressed: isSuppressionError(row.error) }),
  ]);
  const byOrg = new Map(all.accounts.map((account) => [account.org, account]));
  const seen = sorted({
    accounts: service.orgIds.map((orgId) => accountText(byOrg.get(orgId)!)),
    rows: Object.fromEntries(rows) as Record<string, string>,
    requests: Object.fromEntries(
      all.requests.map((request) => [
        names.nameOf(request.id),
        requestText({ ...request, rows: (request.rows ?? []).map(nameOf) }),
      ]),
    ),
    lookups: Object.fromEntries(
      all.lookups.map((lookup) => [`${lookup.key} ${questionOf.get(lookup.hash)}`, lookupText(lookup)]),
    ),
    jobs: Object.fromEntries([...service.queues.jobs].map(([id, state]) => [jobName(service, id), state])),
  });
  return { seen, rowNames };
}

/** The model's name of a job. */
function jobName({ names }: Service, jobId: string): string {
  const [, batchId = '', generation] = /^b-(.+)-g(\d+)$/.exec(jobId) ?? [];
  return `${names.nameOf(batchId)} g${generation}`;
}

const OBSERVE = `
SELECT json_build_object(
  'accounts', (SELECT json_agg(a) FROM (
     SELECT c.org_id AS org, c.balance,
            coalesce(sum(t.amount) FILTER (WHERE t.type = 'credit_added'), 0) AS added,
            coalesce(sum(t.amount) FILTER (WHERE t.type = 'credit_refunded'), 0) AS refunded,
            coalesce(sum(t.amount) FILTER (WHERE t.type = 'credit_consumed'), 0) AS consumed
       FROM credit_accounts c LEFT JOIN credit_transactions t USING (org_id)
      WHERE c.org_id = ANY(:orgIds) GROUP BY c.org_id) a),
  'rows', (SELECT coalesce(json_agg(r), '[]') FROM (
     SELECT e.id, e.entity_id AS lead, e.request_id AS request, e.status, e.error, e.data_found AS found, e.price,
            e.batch_id AS "batchId", e.credit_transaction_id IS NOT NULL AS "hasDebit", e.refund_transaction_id IS NOT NULL AS "isRefunded",
            e.superseded_at IS NULL AS "isLive", l.provider AS "answeredBy",
            (SELECT coalesce(json_agg(json_build_object('provider', t.provider, 'outcome', t.outcome)), '[]')
               FROM attempts t WHERE t.enrichment_id = e.id) AS attempts,
            CASE WHEN b.id IS NOT NULL THEN json_build_object('fence', b.fence, 'deliveries', b.deliveries, 'generation', b.generation,
              'isComplete', b.completed_at IS NOT NULL, 'isLeased', coalesce(b.lease_until > clock_timestamp(), false),
              'isQueued', b.queued_at IS NOT NULL) END AS batch
       FROM enrichments e LEFT JOIN batches b ON b.id = e.batch_id LEFT JOIN lookups l ON l.id = e.lookup_id
      WHERE e.org_id = ANY(:orgIds)) r),
  'requests', (SELECT coalesce(json_agg(q), '[]') FROM (
     SELECT q.id, q.credits_charged AS charged, q.cancelled_at IS NOT NULL AS "isCancelled",
            (SELECT json_agg(i.enrichment_id ORDER BY i.position) FROM request_enrichments i WHERE i.request_id = q.id) AS rows
       FROM requests q WHERE q.org_id = ANY(:orgIds)) q),
  'lookups', (SELECT coalesce(json_agg(k), '[]') FROM (
     SELECT provider || ' ' || field AS key, encode(input_hash, 'hex') AS hash, state, ask, repeats,
            expires_at > clock_timestamp() AS "isFresh"
       FROM lookups WHERE input_hash = ANY(:hashes)) k)
) AS "all"`;

function mapped<In>(record: Record<string, In>, text: (one: In) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([name, one]) => [name, text(one)]));
}

function sorted(observation: Observation): Observation {
  const order = (record: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
  const { accounts, rows, requests, lookups, jobs } = observation;
  return {
    accounts,
    rows: order(rows),
    requests: order(requests),
    lookups: order(lookups),
    jobs: order(jobs),
  };
}
