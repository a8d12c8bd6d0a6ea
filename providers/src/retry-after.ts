import type { ProviderResponse } from './adapter';
import type { Failure } from './call-result';
import { readStandardLimits } from './standard-rate-headers';

/** Longer is not believed: an hour later the provider is simply asked again. */
export const MAX_RETRY_AFTER_SECONDS = 3600;

/**
 * How long a provider asks us to wait, 0 to 3600 seconds; null where it says nothing readable. Retry-After is read as
 * seconds or date; a date counts from the response's own Date, where there is one, so that our clock does not matter.
 * Without it the first of `resetHeaders` (seconds) that is readable counts, then the latest reset of the windows that the
 * standard's `RateLimit` calls used up.
 * Source: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function readRetryAfter(
  headers: ProviderResponse['headers'],
  resetHeaders: readonly string[] = ['ratelimit-reset'],
): number | null {
  const waits = [
    readSeconds(headers['retry-after']),
    readDate(headers['retry-after'], headers['date']),
    ...resetHeaders.map((name) => readSeconds(headers[name])),
    readUsedUp(headers),
  ];
  const wait = waits.find((seconds) => seconds !== null) ?? null;
  return wait === null ? null : clamp(wait);
}

function readUsedUp(headers: ProviderResponse['headers']): number | null {
  const resets = readStandardLimits(headers)
    .filter(({ remaining }) => remaining === 0)
    .flatMap(({ resetSeconds }) => resetSeconds ?? []);
  return resets.length === 0 ? null : Math.max(...resets);
}

/** The same, where a body says it in seconds: a number, or its text. Null for anything else. */
export function readRetrySeconds(value: unknown): number | null {
  const isWait = typeof value === 'number' && Number.isFinite(value) && value >= 0;
  const seconds = isWait ? value : readSeconds(value);
  return seconds === null ? null : clamp(seconds);
}

function clamp(seconds: number): number {
  return Math.min(Math.max(0, Math.ceil(seconds)), MAX_RETRY_AFTER_SECONDS);
}

function readSeconds(text: unknown): number | null {
  return typeof text === 'string' && /^\s*\d{1,15}(\.\d{1,9})?\s*$/.test(text) ? Number(text) : null;
}

/** Only the date forms of HTTP, which begin with a day's name: `Date.parse` alone would read '-5' as a year. */
function readDate(text: unknown, sentAt: unknown): number | null {
  const until = parseHttpDate(text);
  if (until === null) return null;
  return (until - (parseHttpDate(sentAt) ?? Date.now())) / 1000;
}

function parseHttpDate(text: unknown): number | null {
  if (typeof text !== 'string' || !/^\s*(mon|tue|wed|thu|fri|sat|sun)/i.test(text) || text.length > 64)
    return null;
  const time = Date.parse(text);
  return Number.isFinite(time) ? time : null;
}

/**
 * A refusal that says not how long: the window that is used up opens after its own length at the latest. `windows`: the
 * header that tells what is left of each, and its length in seconds, the longest first.
 */
export function waitForWindow(
  refusal: Failure,
  headers: ProviderResponse['headers'],
  windows: readonly (readonly [header: string, seconds: number])[],
): Failure {
  if (refusal.kind !== 'rate' || refusal.retryAfterSeconds !== null) return refusal;
  const used = windows.find(([header]) => headers[header]?.trim() === '0');
  return used ? { ...refusal, retryAfterSeconds: Math.min(used[1], MAX_RETRY_AFTER_SECONDS) } : refusal;
}
