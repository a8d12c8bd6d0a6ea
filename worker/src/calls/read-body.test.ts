import { Readable } from 'node:stream';
import { BODY_BYTES_AT_MOST, LARGE_BODIES_AT_ONCE, readBody, SMALL_BODY_BYTES } from './read-body';

const never = (): AbortSignal => new AbortController().signal;
const CHUNK = Buffer.alloc(64 * 1024, 'a');

/** Bytes of all open streams that were taken from them. */
let held = 0;
let heldAtMost = 0;
beforeEach(() => {
  held = heldAtMost = 0;
});

/** Sends whole chunks for as long as it is read, `chunks` of them at most; then it ends, or says nothing more. */
function stream(chunks = Infinity, then: 'ends' | 'stands' = 'ends'): Readable {
  let sent = 0;
  return new Readable({
    highWaterMark: CHUNK.length,
    read() {
      if (sent++ >= chunks) return void (then === 'ends' && this.push(null));
      held += CHUNK.length;
      heldAtMost = Math.max(heldAtMost, held);
      this.push(CHUNK);
    },
    destroy(error, callback) {
      held -= Math.min(sent, chunks) * CHUNK.length;
      callback(error);
    },
  });
}

const lengthOf = (body: Readable, signal = never()): Promise<number> =>
  readBody(body, undefined, signal, (text) => text.length);

it('holds a bounded number of bytes of however many endless bodies at once', async () => {
  const bodies = Array.from({ length: 60 }, () => stream());
  const ends = await Promise.allSettled(bodies.map((body) => lengthOf(body)));
  expect(new Set(ends.map((end) => (end.status === 'rejected' ? String(end.reason) : 'read')))).toEqual(
    new Set(['ExchangeError: The answer is too large.']),
  );
  // Two chunks are on their way from a stream to its reader.
  const each = SMALL_BODY_BYTES + 3 * CHUNK.length;
  expect(heldAtMost).toBeLessThanOrEqual(60 * each + LARGE_BODIES_AT_ONCE * BODY_BYTES_AT_MOST);
  expect(held).toBe(0);
});

it('reads large bodies whole, in turns, and small ones beside them', async () => {
  const standing = Array.from({ length: LARGE_BODIES_AT_ONCE }, () =>
    stream(SMALL_BODY_BYTES / CHUNK.length + 1, 'stands'),
  );
  const stop = new AbortController();
  const stood = standing.map((body) => lengthOf(body, stop.signal));
  expect(await lengthOf(stream(1))).toBe(CHUNK.length);
  const gaveUp = new AbortController();
  const refused = lengthOf(stream(20), gaveUp.signal);
  const waiting = [lengthOf(stream(20)), lengthOf(stream(20))];
  gaveUp.abort(new Error('enough'));
  await expect(refused).rejects.toThrow('enough');
  stop.abort(new Error('over'));
  for (const end of await Promise.allSettled(stood)) expect(end).toMatchObject({ status: 'rejected' });
  expect(await Promise.all(waiting)).toEqual([20 * CHUNK.length, 20 * CHUNK.length]);
  expect(held).toBe(0);
});
