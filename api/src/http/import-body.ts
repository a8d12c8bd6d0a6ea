import { AppError } from '@leadwell/shared/domain/errors';
import type { DeclaredEncoding } from '@leadwell/shared/leads/decode-text';
import type { Request } from 'express';
import type { Readable } from 'node:stream';

export type ImportFormat = 'csv' | 'ndjson';

const FORMAT_OF_TYPE: Readonly<Record<string, ImportFormat>> = {
  'text/csv': 'csv',
  'application/x-ndjson': 'ndjson',
};

/** A million leads with long titles and skills take about half of it. */
const MAX_BYTES = 1_000_000_000;
/** 128 kbit/s: slower lines exist, but a place among few is not for whoever keeps it by sending next to nothing. */
const MIN_BYTES_PER_SECOND = 16_000;
const GRACE_SECONDS = 30;

/** What charsets are read as; Latin-1 as Windows-1252, as everywhere on the web. Undefined: UTF-8, or what the file shows. */
const ENCODING_OF_CHARSET: ReadonlyMap<string, DeclaredEncoding | undefined> = new Map([
  ['utf-8', undefined],
  ['us-ascii', undefined],
  ['utf-16', 'utf-16'],
  ['utf-16le', 'utf-16le'],
  ['utf-16be', 'utf-16be'],
  ['windows-1252', 'windows-1252'],
  ['iso-8859-1', 'windows-1252'],
]);

/**
 * The format and the encoding that a call declares. Throws UNSUPPORTED_MEDIA_TYPE, which names what is taken, for another type,
 * another charset, and a compressed body.
 */
export function importFormatOf(req: Request): { format: ImportFormat; encoding?: DeclaredEncoding } {
  const [type = '', ...parameters] = (req.get('content-type') ?? '').toLowerCase().split(';');
  const charset =
    parameters.map((part) => /^\s*charset="?([^";\s]+)/.exec(part)?.[1]).find(Boolean) ?? 'utf-8';
  const compression = req.get('content-encoding') ?? 'identity';
  const format = FORMAT_OF_TYPE[type.trim()];
  const encoding = ENCODING_OF_CHARSET.get(charset);
  if (format && ENCODING_OF_CHARSET.has(charset) && compression === 'identity')
    return { format, ...(encoding && { encoding }) };
  throw new AppError(
    'UNSUPPORTED_MEDIA_TYPE',
    'Send the file not compressed, as text/csv or application/x-ndjson, in one of the charsets that details names.',
    { details: [{ accepted: Object.keys(FORMAT_OF_TYPE), charsets: [...ENCODING_OF_CHARSET.keys()] }] },
  );
}

/** Throws PAYLOAD_TOO_LARGE where a call says by itself that it is. */
export function assertImportSize(req: Request): void {
  if (Number(req.get('content-length') ?? 0) > MAX_BYTES) throw tooLarge(MAX_BYTES);
}

interface BodyLimits {
  maxBytes: number;
  minBytesPerSecond: number;
  graceSeconds: number;
}

const LIMITS: BodyLimits = {
  maxBytes: MAX_BYTES,
  minBytesPerSecond: MIN_BYTES_PER_SECOND,
  graceSeconds: GRACE_SECONDS,
};

/**
 * The bytes of a body as they arrive, at the pace they are taken. Whoever stops taking them leaves the call open for its
 * answer. Throws PAYLOAD_TOO_LARGE behind the limit, VALIDATION_ERROR where the client breaks off or dawdles: counted is only
 * the time that the client is waited for, 30 s and a second for every 16 kB.
 */
export async function* receiveBody(body: Readable, limits = LIMITS): AsyncGenerator<Buffer> {
  const chunks = body.iterator({ destroyOnReturn: false });
  let receivedBytes = 0;
  let waitedMs = 0;
  try {
    for (;;) {
      const askedAt = performance.now();
      const next = (await chunks.next().catch(brokenOff)) as IteratorResult<Buffer, undefined>;
      if (next.done) return;
      waitedMs += performance.now() - askedAt;
      receivedBytes += next.value.length;
      if (receivedBytes > limits.maxBytes) throw tooLarge(limits.maxBytes);
      if (waitedMs / 1_000 > limits.graceSeconds + receivedBytes / limits.minBytesPerSecond) throw tooSlow();
      yield next.value;
    }
  } finally {
    await chunks.return?.();
  }
}

function brokenOff(cause: unknown): never {
  throw new AppError('VALIDATION_ERROR', 'The connection broke before the file had arrived whole.', {
    cause,
  });
}

function tooSlow(): AppError {
  return new AppError('VALIDATION_ERROR', 'The file arrives too slowly. Send it in smaller parts.');
}

function tooLarge(maxBytes: number): AppError {
  return new AppError(
    'PAYLOAD_TOO_LARGE',
    `The file is larger than ${maxBytes / 1_000_000} MB. Split it and import the parts one after the other.`,
  );
}
