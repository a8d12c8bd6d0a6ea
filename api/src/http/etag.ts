import { createHash } from 'node:crypto';

/** To be raised by a release that writes the same facts in another form: clients keep answers for as long as they get 304. */
const FORM = 1;

/** A strong ETag: equal exactly where the text is, which stands for the whole answer. */
export function etagOf(text: string): string {
  return `"${createHash('sha256').update(`${FORM} ${text}`).digest('base64url').slice(0, 32)}"`;
}

/** Whether a caller's If-None-Match names this ETag; as the standard asks, a weak mark does not count. */
export function isNotModified(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}
