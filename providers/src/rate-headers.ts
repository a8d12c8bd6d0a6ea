/**
 * What a provider tells of its limits in the headers of its responses, also of good ones. An adapter declares which headers it
 * sends; this reads them. Nothing here throws, and what cannot be a limit is as if it were not there.
 */
import type { ProviderLimit, ProviderResponse } from './adapter';
import { readStandardLimits } from './standard-rate-headers';

/** The headers that tell of one window. Lower-case names. */
export interface RateHeaders {
  perSeconds: number;
  unit: ProviderLimit['unit'];
  /** What the window takes. */
  limit?: string;
  /** What remains of it. */
  remaining?: string;
  /** When it is whole again: seconds, or a moment in time. */
  reset?: string;
  /** Where a header tells of several windows at once, the name of this one in it: `{'minute': 100, 'day': None}`. */
  part?: string;
}

/** What a response tells of one window; null for what it does not tell. */
export interface ToldWindow {
  perSeconds: number;
  unit: ProviderLimit['unit'];
  /** At least 1. */
  limit: number | null;
  /** At least 0. */
  remaining: number | null;
  /** Never longer than the window: it is whole again after its own length at the latest. */
  resetSeconds: number;
}

/** A window whose provider does not tell when it resets is tried again after an hour. */
const UNTOLD_RESET_SECONDS = 3600;

/**
 * What a response tells of the declared windows, and of any window of calls in the standard's headers; nothing of those that it
 * says nothing readable about. A window stands there once: as declared, where both tell.
 */
export function readRateHeaders(
  declared: readonly RateHeaders[],
  headers: ProviderResponse['headers'],
): ToldWindow[] {
  const told = readDeclared(declared, headers);
  const standard = readStandard(declared, headers).filter(
    (one) => !told.some(({ perSeconds, unit }) => perSeconds === one.perSeconds && unit === one.unit),
  );
  return [...told, ...standard];
}

/** A window without a length is the declared one, where there is only one. */
function readStandard(declared: readonly RateHeaders[], headers: ProviderResponse['headers']): ToldWindow[] {
  const only = declared.length === 1 ? declared[0]?.perSeconds : undefined;
  return readStandardLimits(headers).flatMap(({ limit, remaining, ...one }) => {
    const perSeconds = one.perSeconds ?? only;
    if (!perSeconds || (!limit && remaining === null)) return [];
    const resetSeconds = Math.min(one.resetSeconds ?? UNTOLD_RESET_SECONDS, perSeconds);
    return [{ perSeconds, unit: 'calls', limit: limit || null, remaining, resetSeconds }];
  });
}

function readDeclared(declared: readonly RateHeaders[], headers: ProviderResponse['headers']): ToldWindow[] {
  return declared.flatMap((names) => {
    const limit = readAmount(headers, names.limit, names.part);
    const remaining = readAmount(headers, names.remaining, names.part);
    if (!limit && remaining === null) return [];
    const { perSeconds, unit } = names;
    return [{ perSeconds, unit, limit: limit || null, remaining, resetSeconds: readReset(headers, names) }];
  });
}

function readAmount(
  headers: ProviderResponse['headers'],
  name: string | undefined,
  part: string | undefined,
): number | null {
  const text = name === undefined ? undefined : headers[name];
  if (typeof text !== 'string' || text.length > 500) return null;
  const written =
    part === undefined ? text : new RegExp(`\\b${part}\\b["']?\\s*:\\s*([^,}]*)`).exec(text)?.[1];
  // "100, 100;w=60" begins with what counts.
  const digits = /^\s*(\d{1,12})\s*(?:$|[,;])/.exec(written ?? '')?.[1];
  return digits === undefined ? null : Number(digits);
}

function readReset(headers: ProviderResponse['headers'], { perSeconds, reset }: RateHeaders): number {
  const text = reset === undefined ? undefined : headers[reset];
  const told = readSeconds(text) ?? readMoment(text, headers['date']);
  if (told === null) return Math.min(perSeconds, UNTOLD_RESET_SECONDS);
  return Math.min(Math.max(0, told), perSeconds);
}

/** Numbers so large are seconds since 1970: some send those. */
const SINCE_1970_FROM = 1_000_000_000;

function readSeconds(text: unknown): number | null {
  if (typeof text !== 'string' || !/^\s*\d{1,12}(\.\d{1,9})?\s*$/.test(text)) return null;
  return Number(text) < SINCE_1970_FROM ? Number(text) : null;
}

/** From the response's own Date, where there is one, so that our clock does not matter. */
function readMoment(text: unknown, sentAt: unknown): number | null {
  if (typeof text !== 'string' || text.length > 64) return null;
  const isSeconds = /^\s*\d{10,11}(\.\d{1,9})?\s*$/.test(text);
  const atMs = isSeconds ? Number(text) * 1000 : /^\s*\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  const sentAtMs = typeof sentAt === 'string' && sentAt.length <= 64 ? Date.parse(sentAt) : NaN;
  const seconds = (atMs - (Number.isFinite(sentAtMs) ? sentAtMs : Date.now())) / 1000;
  return Number.isFinite(seconds) ? seconds : null;
}
