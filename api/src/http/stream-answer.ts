import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Response } from 'express';

/**
 * Sends text piece by piece, at the pace the client reads: the process holds two pieces, whatever the length. What the
 * first piece throws is answered as an error; a later fault cuts the connection, so that no client takes a part for the whole.
 */
export async function streamAnswer(
  res: Response,
  contentType: string,
  pieces: AsyncGenerator<string>,
): Promise<void> {
  const first = await pieces.next();
  res.type(contentType);
  if (res.req.method === 'HEAD') {
    await pieces.return(undefined);
    res.end();
    return;
  }
  try {
    await pipeline(Readable.from(join(first, pieces), { highWaterMark: 1 }), res);
  } catch (error) {
    // The client went away: nobody is left to be told.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

async function* join(first: IteratorResult<string, unknown>, rest: AsyncGenerator<string>) {
  if (!first.done) yield first.value;
  yield* rest;
}
