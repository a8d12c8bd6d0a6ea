import { parseArgs } from 'node:util';
import { randomBytes } from 'node:crypto';
import { isFaultName, listFaults, type BackendName, type FaultName } from './fault-names';

export interface ChaosOptions {
  seed: string;
  backend: BackendName;
  /** Faults are injected for this long, if `kills` is undefined. */
  seconds: number;
  /** Faults are injected until so many processes were killed. */
  kills: number | undefined;
  /** Only this fault. */
  only: FaultName | undefined;
  /** The quiet time before each fault, on average. */
  everySeconds: number;
  /** The next fault comes when the last one is healed: what a recovery takes is then measured by itself. */
  calm: boolean;
  json: boolean;
}

export const USAGE = `Usage: npm run chaos -- [options]
  --seconds N     inject faults for N seconds (60)
  --kills N       inject faults until N processes were killed, however long that takes
  --seed TEXT     the same seed draws the same orders and faults (random)
  --only FAULT    one of ${[...listFaults('redis')].join(', ')}
  --every N       a quiet time of N seconds before each fault, on average (3)
  --calm          no fault before the last one is healed: recoveries of workers are judged only so
  --backend NAME  redis or postgres: where the queue is (postgres)
  --json          one JSON object on the last line`;

/** Reads the command line. Throws with what is wrong and the usage. */
export function readOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseCommandLine(args);
  const backend = values.backend ?? 'postgres';
  if (backend !== 'redis' && backend !== 'postgres') throw wrong('--backend must be redis or postgres');
  const { only } = values;
  if (only !== undefined && !isFaultName(only, backend))
    throw wrong(
      `--only: ${only} is no fault of backend ${backend}; there are ${listFaults(backend).join(', ')}`,
    );
  return {
    seed: values.seed ?? randomBytes(4).toString('hex'),
    backend,
    seconds: readCount('--seconds', values.seconds) ?? 60,
    kills: readCount('--kills', values.kills),
    only,
    everySeconds: readEvery(values.every),
    calm: values.calm ?? false,
    json: values.json ?? false,
  };
}

function parseCommandLine(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = { seconds: text, kills: text, seed: text, only: text, backend: text, every: text } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({ args: [...args], options: { ...options, json: flag, calm: flag } });
  } catch (error) {
    throw wrong((error as Error).message);
  }
}

function readCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1_000_000)
    throw wrong(`${name} must be a whole number from 1 to 1000000`);
  return count;
}

function readEvery(text: string | undefined): number {
  const seconds = Number(text ?? 3);
  if (!(seconds >= 0.1 && seconds <= 600)) throw wrong('--every must be a number from 0.1 to 600');
  return seconds;
}

function wrong(message: string): Error {
  return new Error(`${message}.\n${USAGE}`);
}
