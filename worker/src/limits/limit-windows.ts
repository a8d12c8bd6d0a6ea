import type { Provider } from '@leadwell/providers/provider';
import type { LimitWindow } from '@leadwell/shared/repositories/provider-limits';

/** Of a window that we set no limit for and that the provider may tell of: what leaves is counted, nothing is held back. */
const ONLY_COUNTED = 1_000_000_000_000;

/**
 * A provider's limits as windows for the database: the shortest first, the strictest of those with equal length and unit,
 * amounts rounded down. Windows that the provider tells of in its headers are counted from the first call on, so that what it
 * tells can be compared with what has left. Empty where there is neither.
 */
export function limitWindowsOf({ limits, adapter }: Pick<Provider, 'limits' | 'adapter'>): LimitWindow[] {
  const windows = new Map<string, LimitWindow>();
  const counted = (adapter.rateHeaders ?? []).map(({ perSeconds, unit }) => ({
    perSeconds,
    unit,
    amount: ONLY_COUNTED,
  }));
  for (const limit of [...limits, ...counted]) {
    const windowMs = Math.ceil(limit.perSeconds * 1000);
    const amount = Math.floor(limit.amount);
    const key = `${windowMs} ${limit.unit}`;
    const other = windows.get(key);
    if (!other || amount < other.amount) windows.set(key, { windowMs, unit: limit.unit, amount });
  }
  return [...windows.values()].sort((a, b) => a.windowMs - b.windowMs || a.unit.localeCompare(b.unit));
}
