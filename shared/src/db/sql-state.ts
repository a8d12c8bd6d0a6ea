/**
 * What an error of PostgreSQL, of its client or of the pool means for the caller.
 * Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export type DatabaseFault =
  /** The transaction was rolled back for the sake of another: run it again. */
  | 'retry'
  /** The server, the network or the pool cannot serve now: try again later. */
  | 'unavailable'
  /** Anything else: a defect. */
  | 'other';

const RETRY = new Set(['40001', '40P01']);
const UNAVAILABLE = new Set([
  '25P03', // idle in transaction too long: our process stood still
  '53000',
  '53100',
  '53200',
  '53300',
  '53400', // insufficient resources: disk, memory, connections
  '55P03', // lock not available in time
  '57014', // statement timeout
  '57P01',
  '57P02',
  '57P03',
  '57P04',
  '57P05', // shutdown, crash, starting up, dropped, idle session
  '58000',
  '58030', // system or I/O error
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENOENT',
]);

export function classifyDatabaseError(error: unknown): DatabaseFault {
  if (!(error instanceof Error)) return 'other';
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') {
    if (RETRY.has(code)) return 'retry';
    if (UNAVAILABLE.has(code) || code.startsWith('08')) return 'unavailable';
  }
  if (error.name === 'KnexTimeoutError') return 'unavailable';
  // pg raises these without a code; knex puts the statement before the message, `ROLLBACK - Connection terminated …`.
  if (
    /(^| - )(Connection terminated|Client has encountered a connection error|Client was closed|Unable to acquire a connection)|timeout expired/.test(
      error.message,
    )
  ) {
    return 'unavailable';
  }
  if (error instanceof AggregateError && error.errors.length > 0)
    return classifyDatabaseError(error.errors[0]);
  return 'other';
}
