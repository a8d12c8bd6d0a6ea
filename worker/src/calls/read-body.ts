/** Reads the bodies of responses: what many hostile ones at once may take of this process's memory is bounded. */
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { ExchangeError } from './exchange-error';
import { Turnstile } from './turnstile';

/** A response is not read beyond this, on the wire or unpacked. The largest honest one has some hundred kilobytes. */
export const BODY_BYTES_AT_MOST = 2 * 1024 * 1024;
/** What is longer is read on in turns: of all bodies at once, so few are in memory beyond this. */
export const SMALL_BODY_BYTES = 64 * 1024;
export const LARGE_BODIES_AT_ONCE = 4;

const largeBodies = new Turnstile(LARGE_BODIES_AT_ONCE);

/**
 * The whole of a body, as text, given to `use` before the next large one is read. Some servers pack what was asked for plain; a few
 * kilobytes may then unpack to gigabytes, so the bounds are on what comes out. Waits for its turn where it is large, with nothing read
 * meanwhile, until the signal aborts. Throws ExchangeError where the signal aborts with one as its reason, and where the body is too large
 * or packed in an unknown way; else what the stream failed with.
 */
export async function readBody<Result>(
  body: Readable,
  encoding: string | undefined,
  signal: AbortSignal,
  use: (text: string) => Result,
): Promise<Result> {
  const unpack = unpackerOf(body, encoding);
  // `pipe` passes no errors on.
  body.on('error', (error) => unpack?.destroy(error));
  const stream: Readable = unpack ? body.pipe(unpack) : body;
  const abort = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  let leave = (): void => undefined;
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const wasSmall = bytes <= SMALL_BODY_BYTES;
      bytes += chunk.length;
      if (bytes > BODY_BYTES_AT_MOST) throw new ExchangeError('The answer is too large.');
      chunks.push(chunk);
      if (wasSmall && bytes > SMALL_BODY_BYTES) leave = await largeBodies.enter(signal);
    }
    return use(Buffer.concat(chunks, bytes).toString('utf8'));
  } finally {
    leave();
    signal.removeEventListener('abort', abort);
    stream.destroy();
    body.destroy();
  }
}

function unpackerOf(body: Readable, encoding: string | undefined): Transform | undefined {
  switch (encoding?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      body.on('error', () => undefined).destroy();
      throw new ExchangeError('The answer is packed in an unknown way.');
  }
}
