import type { FaultDetail } from '@leadwell/shared/domain/errors';
import { formatPath, MAX_DETAILS } from './fault-details';

/** Where the look is now: one list for all of it, since most bodies have no fault that must name its place. */
type Path = (string | number)[];

/**
 * Faults that no schema sees: NUL (PostgreSQL stores none), lone surrogates (no UTF-8 holds them), keys named
 * `__proto__` (a copying validator would follow them). At most 100. Recursion is safe: findShapeFault has bounded the
 * depth.
 */
export function findHostileParts(body: unknown): FaultDetail[] {
  const faults: FaultDetail[] = [];
  look(body, [], faults);
  return faults.slice(0, MAX_DETAILS);
}

function look(value: unknown, path: Path, faults: FaultDetail[]): void {
  if (faults.length >= MAX_DETAILS) return;
  if (Array.isArray(value)) {
    value.forEach((item: unknown, index) => {
      // 10,000 clean ids need no path of their own.
      if (typeof item === 'object' || faultOfText(item)) lookBelow(index, item, path, faults);
    });
  } else if (typeof value === 'object' && value !== null) lookAtFields(value, path, faults);
  else push(faults, path, faultOfText(value));
}

function lookAtFields(value: object, path: Path, faults: FaultDetail[]): void {
  for (const [name, child] of Object.entries(value)) {
    const fault = faultOfName(name);
    if (fault) push(faults, [...path, name], fault);
    else lookBelow(name, child, path, faults);
  }
}

function lookBelow(step: string | number, value: unknown, path: Path, faults: FaultDetail[]): void {
  path.push(step);
  look(value, path, faults);
  path.pop();
}

function push(faults: FaultDetail[], path: Path, message: string | null): void {
  if (message) faults.push({ path: formatPath(path), message });
}

function faultOfName(name: string): string | null {
  if (name === '__proto__') return 'is not allowed';
  const fault = faultOfText(name);
  return fault && `has a name that ${fault}`;
}

function faultOfText(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  if (value.includes('\0')) return 'holds a NUL character';
  // With the u flag, paired surrogates are one code point: only lone ones match.
  return /\p{Surrogate}/u.test(value) ? 'holds half of a surrogate pair' : null;
}
