import type { FaultDetail } from '@leadwell/shared/domain/errors';

/** A thousand wrong ids would make an answer larger than the request; the rest is counted. */
export const MAX_DETAILS = 100;

const MAX_PATH_LENGTH = 200;

/** `selection.includedIds[3]`; `body` for the whole. What a caller can make long is cut. */
export function formatPath(path: readonly (string | number)[]): string {
  const text = path.reduce<string>(
    (left, step) => (typeof step === 'number' ? `${left}[${step}]` : left ? `${left}.${step}` : step),
    '',
  );
  const printable = text.replace(/[\0\p{Surrogate}]/gu, '\u{fffd}');
  return printable.length > MAX_PATH_LENGTH ? `${printable.slice(0, MAX_PATH_LENGTH)}…` : printable || 'body';
}

/** The first 100 faults, and one more entry that counts the rest. */
export function capDetails(faults: readonly FaultDetail[]): FaultDetail[] {
  const rest = faults.length - MAX_DETAILS;
  if (rest <= 0) return [...faults];
  return [...faults.slice(0, MAX_DETAILS), { path: '', message: `and ${rest} more faults` }];
}
