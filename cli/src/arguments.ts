import { API_KEY_SCOPES, type ApiKeyScope } from '@leadwell/shared/domain/api-key';
import { isUuid } from '@leadwell/shared/domain/ids';
import { findBatchIdOfJob } from '@leadwell/shared/queue/batch-queues';
import { MAX_ADDED_CREDITS } from '@leadwell/shared/ledger/add-credits';
import { InvalidArgumentError } from 'commander';

/** Reads an option's value; each throws InvalidArgumentError with a sentence that says what to write. */

export function readAmount(text: string): number {
  const amount = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (amount < 1 || amount > MAX_ADDED_CREDITS)
    throw new InvalidArgumentError(`Write a whole number of credits from 1 to ${MAX_ADDED_CREDITS}.`);
  return amount;
}

/** As readAmount, and 0. */
export function readOpeningCredits(text: string): number {
  return /^0{1,15}$/.test(text) ? 0 : readAmount(text);
}

export function readId(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('Write an id as it was printed, such as 0198…-…-….');
  return text.toLowerCase();
}

/** Ids separated by commas. Given twice, they add up. */
export function readIds(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), ...text.split(',').map((id) => readId(id.trim()))];
}

/** The id of a batch, or the id of its job as the queue shows it. */
export function readBatchId(text: string): string {
  return findBatchIdOfJob(text) ?? readId(text);
}

export function readLimit(text: string): number {
  const limit = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > 10_000) throw new InvalidArgumentError('Write a whole number from 1 to 10000.');
  return limit;
}

/** A number of months, as 6mo. */
export function readMonths(text: string): number {
  const months = Number(/^(\d{1,3})mo$/.exec(text)?.[1] ?? 0);
  if (months < 1 || months > 120)
    throw new InvalidArgumentError('Write a number of months from 1mo to 120mo.');
  return months;
}

export function readName(text: string): string {
  const name = text.trim();
  if (name === '' || name.length > 200 || name.includes('\0'))
    throw new InvalidArgumentError('Write 1 to 200 characters.');
  return name;
}

/** Names of providers separated by commas; an empty text names none. Given twice, they add up. */
export function readProviderNames(text: string, before: string[] | undefined): string[] {
  const names = text.trim() === '' ? [] : text.split(',').map((name) => name.trim());
  return [...(before ?? []), ...names];
}

/** Scopes separated by commas. Given twice, they add up. */
export function readScopes(text: string, before: ApiKeyScope[] | undefined): ApiKeyScope[] {
  const scopes = text.split(',').map((scope) => scope.trim());
  const unknown = scopes.filter((scope) => !(API_KEY_SCOPES as readonly string[]).includes(scope));
  if (unknown.length > 0)
    throw new InvalidArgumentError(`Write one or more of ${API_KEY_SCOPES.join(', ')}, separated by commas.`);
  return [...new Set([...(before ?? []), ...(scopes as ApiKeyScope[])])];
}

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** A time in the past: ISO 8601, or a span until now such as `90m`, `24h` or `7d`. */
export function readSince(text: string): Date {
  const span = /^(\d{1,5})([mhd])$/.exec(text);
  const at = span
    ? new Date(Date.now() - Number(span[1]) * UNIT_MS[span[2] as 'm' | 'h' | 'd'])
    : new Date(TIME.test(text) ? text : NaN);
  if (!(at.getTime() <= Date.now()))
    throw new InvalidArgumentError('Write a time gone by, such as 24h, 7d or 2026-11-01T00:00:00Z.');
  return at;
}

/** A time in the future: ISO 8601, or a span from now such as `90d` or `12h`. */
export function readExpiry(text: string): Date {
  const span = /^(\d{1,5})([hd])$/.exec(text);
  const at = span
    ? new Date(Date.now() + Number(span[1]) * UNIT_MS[span[2] as 'h' | 'd'])
    : new Date(TIME.test(text) ? text : NaN);
  if (!(at.getTime() > Date.now()))
    throw new InvalidArgumentError('Write a time to come, such as 2027-01-31T00:00:00Z, 90d or 12h.');
  return at;
}
