import { uuidv7 } from 'uuidv7';

/** A new UUID v7 in lower case. Later ids sort after earlier ones of the same process. */
export const newId = uuidv7;

/** The scope of a lookup that may answer every organisation. */
export const SHARED_SCOPE = '00000000-0000-0000-0000-000000000000';

/** Whether a text has the form of a UUID, in any case, with dashes and without braces. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}
