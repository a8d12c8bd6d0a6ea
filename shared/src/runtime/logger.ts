import pino, { type Logger, type LoggerOptions } from 'pino';
import { createRepeatFilter } from './repeat-filter';

export type { Logger } from 'pino';

/** Names of properties that may hold a secret or a person's data. They are not to be logged at all; this is the net below. */
const SECRETS = [
  'apiKey',
  'key',
  'authorization',
  'password',
  'url',
  'email',
  'emails',
  'phone',
  'phones',
  'value',
];

/**
 * A logger of JSON lines on standard output, each written before the call returns: a crash loses none. Errors are
 * written without SQL, bindings or row values; keys, addresses and numbers are never passed to it. Of a warning that an
 * outage repeats, five lines in ten seconds are written; the next one counts the others in `heldBack`.
 */
export function createLogger(options: { level: string; name: string }): Logger {
  return pino(
    {
      level: options.level,
      name: options.name,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
      serializers: { err: describeError, error: describeError },
      hooks: holdRepeatsBack(),
    },
    pino.destination({ fd: 1, sync: true }),
  );
}

const WARN = 40;

/** Only warnings about an error, and none that belongs to one call: those are looked for by their `requestId`. */
function holdRepeatsBack(): NonNullable<LoggerOptions['hooks']> {
  const filter = createRepeatFilter();
  return {
    logMethod(args, method, level) {
      const [fields, text] = args as unknown as [Record<string, unknown>, unknown];
      const isRepeatable =
        level === WARN && typeof text === 'string' && fields['err'] && !('requestId' in fields);
      const heldBack = isRepeatable ? filter(text) : 0;
      if (heldBack === null) return;
      if (heldBack > 0) args[0] = { ...fields, heldBack };
      method.apply(this, args);
    },
  };
}

interface ErrorDescription {
  type: string;
  message: string;
  code?: string;
  /** Of the schema, not of a row. */
  table?: string;
  constraint?: string;
  stack?: string;
  cause?: ErrorDescription;
}

/**
 * What may be logged of an error: of one from PostgreSQL its own message without the statement (knex puts that in
 * front, bindings filled in) and without quoted data; `detail`, `where` and bindings never.
 */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error))
    return { type: typeof error, message: 'something that is no Error was thrown' };
  const { code, table, constraint, severity, cause } = error as Error & Record<string, unknown>;
  const isDatabaseError = typeof severity === 'string' && typeof code === 'string';
  return {
    type: error.name,
    message: isDatabaseError ? databaseMessage(error.message, code) : error.message,
    ...(typeof code === 'string' && { code }),
    ...(typeof table === 'string' && { table }),
    ...(typeof constraint === 'string' && { constraint }),
    ...(error.stack && { stack: stackFrames(error.stack) }),
    ...(cause !== undefined && { cause: describeError(cause) }),
  };
}

function databaseMessage(message: string, code: string): string {
  const own = message.slice(message.lastIndexOf(' - ') + 1).replace(/^- /, '');
  // Class 22, data exceptions, quotes the value that it does not like.
  return code.startsWith('22') ? own.replace(/".*"/gs, '"…"') : own;
}

/** The first line of a stack is the message again, with everything that was cut from it. */
function stackFrames(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim())
    .join('\n');
}
