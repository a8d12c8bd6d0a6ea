/** Calls from a seed: right ones of every route, changed in ways that a client, a bug or an attacker would. */
import fc from 'fast-check';
import { HOSTILE_BODIES, HOSTILE_LINES, HOSTILE_TEXTS, HOSTILE_VALUES } from './hostile';

export interface FuzzCall {
  /** Sent as it is, on a connection of its own; the rest does not count then. */
  raw?: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** What calls may name so that some of them get past the checks. */
export interface Known {
  leadIds: readonly string[];
  requestIds: readonly string[];
}

interface Template {
  method: string;
  path: string;
  body?: unknown;
}

const ENRICHMENT = '/api/v1/operations/enrichment';
const TEXT_FILTER = { all: { include: { mode: 'SMART', content: ['engineer'] } } };
const LIST_FILTER = { any: { include: ['Sales'], exclude: ['Berlin'] } };

function templatesOf({ leadIds, requestIds }: Known): Template[] {
  const [lead = '', request = ''] = [leadIds[0], requestIds[0]];
  const filters = {
    contact: {
      jobTitle: TEXT_FILTER,
      location: LIST_FILTER,
      company: { current: LIST_FILTER },
      hasEmail: true,
    },
    account: { nameOrDomain: TEXT_FILTER, employeeSize: { range: { start: 1, end: 500 } } },
  };
  const bulk = { mode: 'bulk', startIndex: 0, targetCount: 20, filters: {}, excludedIds: [lead] };
  const manual = { mode: 'manual', includedIds: leadIds.slice(0, 20) };
  const terms = { field: 'emails', maxCredits: 500, priority: 'high', retryNotFound: true };
  return [
    { method: 'POST', path: `${ENRICHMENT}/bulk`, body: { selection: manual, ...terms } },
    { method: 'POST', path: `${ENRICHMENT}/bulk`, body: { selection: bulk, field: 'phones' } },
    {
      method: 'POST',
      path: `${ENRICHMENT}/bulk?dryRun=true`,
      body: { selection: { ...bulk, filters }, ...terms },
    },
    {
      method: 'POST',
      path: `${ENRICHMENT}/batch`,
      body: { personIds: leadIds.slice(0, 5), field: 'phones' },
    },
    {
      method: 'POST',
      path: `${ENRICHMENT}/batch/query`,
      body: {
        tasks: leadIds.slice(0, 9).map((entityId) => ({ entityId, field: 'emails', entityType: 'person' })),
      },
    },
    { method: 'POST', path: `${ENRICHMENT}/${lead}?field=emails` },
    { method: 'GET', path: `${ENRICHMENT}/${lead}?field=emails` },
    { method: 'GET', path: `${ENRICHMENT}/${lead}/attempts?field=phones` },
    { method: 'GET', path: `${ENRICHMENT}/requests?limit=20&offset=0` },
    { method: 'GET', path: `${ENRICHMENT}/requests/${request}` },
    { method: 'GET', path: `${ENRICHMENT}/requests/${request}/results` },
    { method: 'POST', path: `${ENRICHMENT}/requests/${request}/cancel` },
    { method: 'POST', path: `${ENRICHMENT}/requests/${request}/retry`, body: { priority: 'normal' } },
    { method: 'GET', path: '/api/v1/operations/credits/balance' },
    {
      method: 'GET',
      path: '/api/v1/operations/credits/history?startDate=2026-01-01T00:00:00Z&limit=50&offset=1',
    },
    { method: 'POST', path: '/api/v1/entities/prospects/person', body: { page: 0, size: 10, ...filters } },
    { method: 'GET', path: `/api/v1/entities/prospects/person/${lead}` },
    { method: 'POST', path: '/api/v1/entities/leads/import' },
    { method: 'GET', path: '/health/ready' },
    { method: 'GET', path: '/ops/queues/api/queues' },
  ];
}

const text = fc.oneof(
  fc.constantFrom(...HOSTILE_TEXTS),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 20 }),
);
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE_VALUES) },
  { weight: 1, arbitrary: text },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
);

/** One change of a body: at the place that `steps` leads to, something else, something more, or nothing. */
interface Change {
  steps: number[];
  kind: 'replace' | 'add' | 'drop';
  name: string;
  value: unknown;
}

const change: fc.Arbitrary<Change> = fc.record({
  steps: fc.array(fc.nat(12), { maxLength: 6 }),
  kind: fc.constantFrom('replace', 'add', 'drop'),
  name: text,
  value,
});

function changed(body: unknown, { steps, kind, name, value: put }: Change): unknown {
  const copy: unknown = structuredClone(body);
  if (typeof copy !== 'object' || copy === null) return put;
  let place = copy as Record<string, unknown>;
  for (const step of steps) {
    const inner = Object.values(place).filter((child) => typeof child === 'object' && child !== null);
    const next = inner[step % Math.max(1, inner.length)];
    if (next === undefined) break;
    place = next as Record<string, unknown>;
  }
  const names = Object.keys(place);
  const at = names[(steps.at(-1) ?? 0) % Math.max(1, names.length)] ?? name;
  if (kind === 'drop') delete place[at];
  else Object.defineProperty(place, kind === 'add' ? name : at, { value: put, enumerable: true });
  return copy;
}

const headerText = text.map((one) => one.replace(/[^\t\x20-\x7e\x80-\xff]/g, '').slice(0, 4_000));
const headers = fc.record(
  {
    'content-type': fc.oneof(
      fc.constantFrom(
        'application/json; charset=utf-7',
        'application/json;;;',
        'text/csv',
        'application/x-ndjson',
        'multipart/form-data',
      ),
      headerText,
    ),
    'content-encoding': fc.constantFrom('gzip', 'br', 'deflate', 'x', 'gzip, gzip'),
    'idempotency-key': headerText,
    accept: fc.oneof(fc.constantFrom('text/csv', 'text/csv;q=2', '*/*;q=x', 'image/png'), headerText),
    'if-none-match': headerText,
    'x-request-id': headerText,
    'x-forwarded-for': headerText,
    // Seldom: without a right key no call gets any further.
    authorization: fc.oneof(
      { weight: 5, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: headerText },
    ),
    origin: headerText,
    range: fc.constant('bytes=0-1,5-'),
    expect: fc.constant('100-continue'),
  },
  { requiredKeys: [] },
);

const queryPart = fc.tuple(
  fc.constantFrom(
    'field',
    'dryRun',
    'limit',
    'offset',
    'startDate',
    'endDate',
    'a[b][c]',
    '__proto__[x]',
    '%',
  ),
  text,
);

/** One time in `times`; else null. */
function seldom<T>(arbitrary: fc.Arbitrary<T>, times: number): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
}

/** Mostly right calls with up to three changes, so that they get to different depths. */
export function fuzzCalls(known: Known): fc.Arbitrary<FuzzCall> {
  const method = fc.constantFrom(
    'GET',
    'POST',
    'PUT',
    'DELETE',
    'PATCH',
    'HEAD',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
  );
  const right = fc.constantFrom(...templatesOf(known));
  const shaped = fc
    .record({
      template: right,
      changes: fc.array(change, { maxLength: 3 }),
      body: seldom(fc.oneof(fc.constantFrom(...HOSTILE_BODIES), text), 5),
      cut: seldom(fc.nat(400), 10),
      method: seldom(method, 12),
      headers: seldom(headers, 2),
      query: seldom(fc.array(queryPart, { minLength: 1, maxLength: 3 }), 4),
      segment: seldom(text, 8),
    })
    .map(toCall);
  const raw = fc
    .constantFrom(...HOSTILE_LINES)
    .map((line) => ({ raw: line, method: '', path: '', headers: {} }));
  return fc.oneof({ weight: 40, arbitrary: shaped }, { weight: 1, arbitrary: raw });
}

function toCall(parts: {
  template: Template;
  changes: Change[];
  body: string | null;
  cut: number | null;
  method: string | null;
  headers: Record<string, string | undefined> | null;
  query: [string, string][] | null;
  segment: string | null;
}): FuzzCall {
  const { template } = parts;
  const method = parts.method ?? template.method;
  const made = parts.body ?? bodyText(template.body, parts.changes);
  const body = parts.cut === null ? made : made?.slice(0, parts.cut);
  const isSent = body !== undefined && !(method === 'GET' || method === 'HEAD');
  return {
    method,
    path: pathOf(template.path, parts.query, parts.segment),
    headers: {
      ...(isSent && { 'content-type': template.path.endsWith('/import') ? 'text/csv' : 'application/json' }),
      ...Object.fromEntries(Object.entries(parts.headers ?? {}).filter(([, one]) => one !== undefined)),
    },
    ...(isSent && { body }),
  };
}

function bodyText(body: unknown, changes: readonly Change[]): string | undefined {
  return body === undefined ? undefined : JSON.stringify(changes.reduce(changed, body));
}

/** Escaped so that it can travel at all; one in three values as it is, where it can. */
function pathOf(path: string, query: [string, string][] | null, segment: string | null): string {
  const [before = '', after] = path.split('?', 2);
  const escape = (one: string): string =>
    one.length % 3 === 0
      ? one.replace(/[^\x21-\x7e]|[#?]/g, '%')
      : encodeURIComponent(one.replace(/\p{Surrogate}/gu, '?')).slice(0, 9_000);
  const at = segment === null ? before : before.replace(/[^/]+$/, escape(segment.slice(0, 9_000)));
  const asked = query?.map(([name, one]) => `${name}=${escape(one.slice(0, 2_000))}`).join('&') ?? after;
  return asked === undefined ? at : `${at}?${asked}`;
}
