import { inWords } from '@leadwell/shared/relay/explain-batch';
import { formatTable } from '../output';
import type { AccountReport, LimitUse } from './combine-accounts';
import type { FieldReport } from './combine-fields';

const FIELD_HEADINGS = [
  'PROVIDER',
  'FIELD',
  'ASKED',
  'HITS',
  'HIT RATE',
  'CREDITS/HIT',
  'MEDIAN',
  'P95',
  'FAILED',
  'SKIPPED',
  'REUSED',
  'WAITING',
  'REPEATS',
  'MOSTLY BECAUSE',
];

export function describeFields(fields: readonly FieldReport[]): string {
  if (fields.length === 0) return 'Nobody was asked.';
  return formatTable(FIELD_HEADINGS, fields.map(fieldRow));
}

function fieldRow(one: FieldReport): string[] {
  return [
    one.provider,
    one.field,
    String(one.asked),
    String(one.hits),
    one.hitRate === null ? '–' : `${(one.hitRate * 100).toFixed(1)} %`,
    one.creditsPerHit === null ? '–' : one.creditsPerHit.toFixed(2),
    describeMs(one.p50Ms),
    describeMs(one.p95Ms),
    String(one.failed),
    String(one.skipped),
    String(one.reused),
    String(one.awaited),
    String(one.repeats),
    one.commonFault ?? '',
  ];
}

function describeMs(ms: number | null): string {
  if (ms === null) return '–';
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** One line a limit, so that none has to be searched for. */
export function describeAccounts(accounts: readonly AccountReport[]): string {
  if (accounts.length === 0) return 'No account is configured or in use.';
  return formatTable(
    ['PROVIDER', 'ENDPOINT', 'IN FLIGHT', 'LIMIT', 'USED', 'STATE'],
    accounts.flatMap(accountRows),
  );
}

function accountRows(account: AccountReport): string[][] {
  const limits = account.limits.length > 0 ? account.limits.map(describeLimit) : [['none', '']];
  return limits.map(([limit = '', used = ''], index) =>
    index === 0
      ? [
          account.provider,
          account.endpoint ?? '',
          `${account.inFlight}${account.concurrent === null ? '' : ` of ${account.concurrent}`}`,
          limit,
          used,
          describeState(account),
        ]
      : ['', '', '', limit, used, ''],
  );
}

function describeLimit({ unit, perSeconds, used, configured, told }: LimitUse): [string, string] {
  const amount = Math.min(configured ?? Infinity, told ?? Infinity);
  const isTold = told !== null && told < (configured ?? Infinity);
  const limit = `${amount === Infinity ? '?' : amount} ${unit} in ${inWords(perSeconds)}${isTold ? ', as it told' : ''}`;
  return [limit, amount === Infinity ? String(used) : `${used} (${Math.round((100 * used) / amount)} %)`];
}

function describeState({ breaker, isConfigured }: AccountReport): string {
  const known = isConfigured ? '' : ', not configured here';
  if (!breaker) return `asked${known}`;
  const state =
    breaker.remainingSeconds > 0
      ? `not asked for ${inWords(breaker.remainingSeconds)}`
      : 'tried by the next call';
  const times = breaker.reopened > 0 ? `, ${breaker.reopened} trials failed` : '';
  return `${state}${known}: ${breaker.reason}${times}`;
}
