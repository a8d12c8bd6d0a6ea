/**
 * The configuration table: every environment variable the service reads, with type, range, unit, default and meaning.
 * The README's table and `.env.example` are held against it by a test; nothing else reads `process.env`.
 */
import Joi from 'joi';

export interface Setting {
  /** The environment variable. */
  readonly variable: string;
  /** Validates and converts; the range is part of it. */
  readonly schema: Joi.Schema;
  /** As a person would write it; undefined: unset has a meaning of its own, told in `meaning`. */
  readonly defaultText: string | undefined;
  readonly unit: string;
  readonly meaning: string;
}

const wholeNumber = (min: number, max: number): Joi.NumberSchema => Joi.number().integer().min(min).max(max);
const url = (...schemes: string[]): Joi.StringSchema => Joi.string().uri({ scheme: schemes });

function setting(
  variable: string,
  schema: Joi.Schema,
  defaultText: string | undefined,
  unit: string,
  meaning: string,
): Setting {
  return { variable, schema, defaultText, unit, meaning };
}

export const SETTINGS = {
  databaseUrl: setting(
    'DATABASE_URL',
    url('postgres', 'postgresql'),
    undefined,
    'URL',
    'PostgreSQL 15 or later. Unset: an embedded server keeps its data in `.data/`.',
  ),
  databasePoolSize: setting(
    'DATABASE_POOL_SIZE',
    wholeNumber(2, 200),
    '10',
    'connections',
    'Connections that one process opens at most. Every process opens its own; the sum must stay below `max_connections`.',
  ),
  redisUrl: setting(
    'REDIS_URL',
    url('redis', 'rediss'),
    undefined,
    'URL',
    'Redis 6.2 or later for the queue. Unset: the queue is in PostgreSQL, with no other difference.',
  ),
  queuePrefix: setting(
    'QUEUE_PREFIX',
    // In braces it is a hash tag: all keys of the queue lie in one slot of a Redis Cluster, which BullMQ needs.
    Joi.string().pattern(/^(?:[a-z0-9_-]{1,40}|\{[a-z0-9_-]{1,38}\})$/),
    'leadwell',
    'name',
    'Separates deployments that share one Redis.',
  ),
  port: setting('PORT', wholeNumber(0, 65535), '3000', 'port', 'Where the API listens. 0: any free port.'),
  host: setting(
    'HOST',
    Joi.string().hostname(),
    '127.0.0.1',
    'address',
    'The address the API listens on. `0.0.0.0`: every interface.',
  ),
  logLevel: setting(
    'LOG_LEVEL',
    Joi.string().valid('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    'info',
    'level',
    'The least severe log line that is written.',
  ),
  rateLimitCalls: setting(
    'RATE_LIMIT_CALLS',
    wholeNumber(0, 1_000_000),
    '5000',
    'calls',
    'Calls that one API key may make in RATE_LIMIT_SECONDS, at each API process. 0: any number.',
  ),
  rateLimitSeconds: setting(
    'RATE_LIMIT_SECONDS',
    wholeNumber(1, 3600),
    '10',
    'seconds',
    'The time that RATE_LIMIT_CALLS counts in, from the first call on.',
  ),
  authFailuresPerMinute: setting(
    'AUTH_FAILURES_PER_MINUTE',
    wholeNumber(0, 1_000_000),
    '300',
    'calls',
    'Calls without valid credentials that one address may make, at each API process, before it is told to wait. 0: any number.',
  ),
  trustedProxies: setting(
    'TRUSTED_PROXIES',
    wholeNumber(0, 10),
    '0',
    'proxies',
    'Proxies of yours that every call passes: as many entries of `X-Forwarded-For`, from its end, are believed. 0: it is not read.',
  ),
  maxConnections: setting(
    'MAX_CONNECTIONS',
    wholeNumber(1, 100_000),
    '2000',
    'connections',
    'Connections of clients that one API process has open at most; what comes beyond is closed at once.',
  ),
  batchSize: setting('BATCH_SIZE', wholeNumber(1, 1000), '50', 'leads', 'Leads per queue job.'),
  workerConcurrency: setting(
    'WORKER_CONCURRENCY',
    wholeNumber(1, 256),
    '16',
    'batches',
    'Batches of each field that one worker process works at a time.',
  ),
  workerHeartbeatFile: setting(
    'WORKER_HEARTBEAT_FILE',
    Joi.string().min(1),
    undefined,
    'path',
    'Where one worker writes what it does, for `npm run cli -- worker-health`. Each worker needs its own. Unset: nowhere.',
  ),
  emailCredits: setting(
    'EMAIL_CREDITS',
    wholeNumber(0, 1_000_000),
    '5',
    'credits',
    'Price of one lead’s e-mail addresses.',
  ),
  phoneCredits: setting(
    'PHONE_CREDITS',
    wholeNumber(0, 1_000_000),
    '20',
    'credits',
    'Price of one lead’s phone numbers.',
  ),
  enrichmentTimeoutSeconds: setting(
    'ENRICHMENT_TIMEOUT_SECONDS',
    wholeNumber(1, 86_400),
    '800',
    'seconds',
    'Time that providers may take for one lead, all together. Waiting for a turn or a limit does not count.',
  ),
  enrichmentDeadlineHours: setting(
    'ENRICHMENT_DEADLINE_HOURS',
    Joi.number().min(0.001).max(720),
    '24',
    'hours',
    'Time from acceptance after which what is still pending ends as `timeout`, refunded.',
  ),
  leaseSeconds: setting(
    'LEASE_SECONDS',
    wholeNumber(3, 300),
    '8',
    'seconds',
    'How long a worker that says nothing keeps a batch. Renewed every quarter of it. Shorter: back sooner after a crash.',
  ),
  checkSeconds: setting(
    'CHECK_SECONDS',
    Joi.number().min(0.1).max(60),
    '2',
    'seconds',
    'How often each worker’s relay looks for batches to be queued, and re-checks those that are.',
  ),
  auditEveryMinutes: setting(
    'AUDIT_EVERY_MINUTES',
    Joi.number().min(0).max(10_080),
    '60',
    'minutes',
    'How often each worker checks the invariants of money and accepted work, no two at a time; a violation is logged as an error. 0: never.',
  ),
  resultDays: setting(
    'RESULT_DAYS',
    Joi.number().min(0).max(3650),
    '90',
    'days',
    'How long a provider’s answer is fresh and answers the same question again, free.',
  ),
  shareResults: setting(
    'SHARE_RESULTS',
    Joi.string().valid('on', 'off'),
    'on',
    'on / off',
    '`off`: an answer serves only the organisation that asked.',
  ),
  sandboxPort: setting(
    'SANDBOX_PORT',
    wholeNumber(0, 65535),
    '4010',
    'port',
    'Where the sandbox listens, on loopback.',
  ),
  sandboxPace: setting(
    'SANDBOX_PACE',
    Joi.number().min(0.01).max(1000),
    '1',
    'factor',
    'Multiplies the providers’ limits, on both sides, when the sandbox stands in for them.',
  ),
  opsUser: setting('OPS_USER', Joi.string().min(1), 'ops', 'name', 'User of `/ops/queues`.'),
  opsPassword: setting(
    'OPS_PASSWORD',
    Joi.string().min(8),
    undefined,
    'secret',
    'Password of `/ops/queues`, 8 characters or more. Unset: the page does not exist (404).',
  ),
  providersFile: setting(
    'PROVIDERS_FILE',
    Joi.string().min(1),
    undefined,
    'path',
    'JSON with the providers and the waterfall. Unset: only the sandbox can be used.',
  ),
  allowSandbox: setting(
    'ALLOW_SANDBOX',
    Joi.boolean(),
    'false',
    'true / false',
    '`true` lets `api` and `worker` run without PROVIDERS_FILE, against the sandbox, whose answers are invented.',
  ),
} as const satisfies Record<string, Setting>;
