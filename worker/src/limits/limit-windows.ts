import type { Provider } from '@leadwell/providers/provider';
import type { LimitWindow } from '@leadwell/shared/repositories/provider-limits';

/**
 * A provider's limits as windows for the database: the shortest first, the strictest of those with equal length and unit,
 * amounts rounded down. Empty where there is no limit.
 */
export function limitWindowsOf(provider: Pick<Provider, 'limits'>): LimitWindow[] {
  const windows = new Map<string, LimitWindow>();
  for (const limit of provider.limits) {
    const windowMs = Math.ceil(limit.perSeconds * 1000);
    const amount = Math.floor(limit.amount);
    const key = `${windowMs} ${limit.unit}`;
    const other = windows.get(key);
    if (!other || amount < other.amount) windows.set(key, { windowMs, unit: limit.unit, amount });
  }
  return [...windows.values()].sort((a, b) => a.windowMs - b.windowMs || a.unit.localeCompare(b.unit));
}
