import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { receiveBody } from './import-body';

const NO_LIMITS = { maxBytes: Infinity, minBytesPerSecond: 1, graceSeconds: 60 };

async function readAll(body: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const chunk of body) bytes += chunk.length;
  return bytes;
}
const chunks = (count: number): Buffer[] => Array.from({ length: count }, () => Buffer.alloc(1_000));

describe('the body of an import', () => {
  it('is given whole up to its limit, and not one byte further', async () => {
    const limits = { ...NO_LIMITS, maxBytes: 5_000 };
    expect(await readAll(receiveBody(Readable.from(chunks(5)), limits))).toBe(5_000);
    await expect(readAll(receiveBody(Readable.from(chunks(6)), limits))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    });
  });

  it('is refused of a client that dawdles, not of a reader that does', async () => {
    const limits = { ...NO_LIMITS, minBytesPerSecond: 1_000_000, graceSeconds: 0.3 };
    const slow = async function* () {
      for (const chunk of chunks(4)) {
        await delay(150);
        yield chunk;
      }
    };
    await expect(readAll(receiveBody(Readable.from(slow()), limits))).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    });
    let bytes = 0;
    for await (const chunk of receiveBody(Readable.from(chunks(4)), limits)) {
      await delay(150);
      bytes += chunk.length;
    }
    expect(bytes).toBe(4_000);
  });

  it('leaves the call open for its answer when nobody wants more of it', async () => {
    const body = Readable.from(chunks(4));
    for await (const chunk of receiveBody(body, NO_LIMITS)) {
      expect(chunk.length).toBe(1_000);
      break;
    }
    expect(body.destroyed).toBe(false);
  });

  it('that breaks off is the caller’s fault, not the database’s', async () => {
    const broken = async function* () {
      yield Buffer.alloc(10);
      await delay(1);
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    };
    await expect(readAll(receiveBody(Readable.from(broken()), NO_LIMITS))).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    });
  });
});
