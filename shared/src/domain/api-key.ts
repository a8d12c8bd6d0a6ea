/**
 * API keys: `lw_`, 256 random bits, and a checksum that tells a mistyped or cut key from an unknown one without a query.
 * Only the SHA-256 of a key is stored: 256 random bits need no slow hash.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export const API_KEY_SCOPES = ['read', 'enrich', 'import'] as const;
export type ApiKeyScope = (typeof API_KEY_SCOPES)[number];

const PREFIX = 'lw_';
const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const SHOWN_LENGTH = 11;
const FORM = new RegExp(`^${PREFIX}[A-Za-z0-9_-]{${SECRET_LENGTH + CHECKSUM_LENGTH}}$`);

export interface NewApiKey {
  /** The whole key. Shown once, stored nowhere. */
  key: string;
  /** What is stored and looked up. */
  hash: Buffer;
  /** The beginning of the key, for a person to recognise it by; it does not help to guess the rest. */
  prefix: string;
}

/** A new key of 256 random bits. */
export function createApiKey(): NewApiKey {
  const secret = PREFIX + randomBytes(32).toString('base64url');
  const key = secret + checksumOf(secret);
  return { key, hash: hashApiKey(key), prefix: key.slice(0, SHOWN_LENGTH) };
}

/** The hash to look a key up by; null where the text cannot be a key (wrong form or checksum), so that no query is needed. */
export function parseApiKey(text: string): Buffer | null {
  if (!FORM.test(text)) return null;
  const secret = text.slice(0, PREFIX.length + SECRET_LENGTH);
  const checksum = text.slice(PREFIX.length + SECRET_LENGTH);
  const isRight = timingSafeEqual(Buffer.from(checksum), Buffer.from(checksumOf(secret)));
  return isRight ? hashApiKey(text) : null;
}

/** SHA-256 of the whole key. */
export function hashApiKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

function checksumOf(secret: string): string {
  return createHash('sha256').update(`checksum:${secret}`).digest('base64url').slice(0, CHECKSUM_LENGTH);
}
