/** Faults on demand: which call is hit by which. How each looks on the wire is told in misbehave.ts. */
import { fieldsOf } from './contract';
import { chanceOf } from './truth';

export const FAULT_KINDS = [
  /** The provider's own answers: too fast (also asked for as `429`), no credit, key refused, broken inside (`500`). */
  'rate',
  'no_credit',
  'auth',
  '500',
  /** 502 with a gateway's HTML page. */
  'bad_gateway',
  /** 200 with an HTML page. */
  'html',
  /** Never answers. */
  'hang',
  /** A byte now and then, for ever. */
  'drip',
  /** The connection is reset, before the question is looked at or after it was answered and charged. */
  'reset',
  'reset_after_answer',
  /** Half the answer: as a whole body, or with the connection closed in the middle. */
  'cut_json',
  'cut_body',
  'empty',
  /** The answer with other types at every place. */
  'wrong_types',
  /** Every value masked. */
  'masked',
  /** A bulk answer without every other item. */
  'missing_items',
  /** Tens of megabytes, and a gigabyte that travels as one. */
  'huge',
  'gzip_bomb',
  /** To another path, which counts who follows. */
  'redirect',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  /** Undefined: every provider. */
  provider?: string;
  kind: FaultKind;
  /** The share of calls that are hit, 0 to 1. Defaults to 1. */
  rate?: number;
  /** How many calls are hit at most. Undefined: no end. */
  count?: number;
  /** Sent as Retry-After, whatever it is. */
  retryAfter?: string;
  /** Bytes of `huge`, 64 MiB by default; milliseconds between the bytes of `drip`, 500 by default. */
  bytes?: number;
  everyMs?: number;
}

/** The faults that are on, in order: the first that hits a call is played. */
export class Faults {
  readonly #seed: string;
  #faults: { fault: Fault; seen: number; played: number }[] = [];

  constructor(seed: string) {
    this.#seed = seed;
  }

  add(fault: Fault): void {
    this.#faults.push({ fault, seen: 0, played: 0 });
  }

  clear(): void {
    this.#faults = [];
  }

  list(): (Fault & { played: number })[] {
    return this.#faults.map(({ fault, played }) => ({ ...fault, played }));
  }

  /** The fault of this call. Which calls a rate hits depends on seed and order only. */
  pick(provider: string): Fault | null {
    for (const entry of this.#faults) {
      const { fault } = entry;
      const isOver = fault.count !== undefined && entry.played >= fault.count;
      if (isOver || (fault.provider !== undefined && fault.provider !== provider)) continue;
      entry.seen++;
      if (chanceOf(this.#seed, `${fault.kind} ${provider}`, String(entry.seen)) >= (fault.rate ?? 1))
        continue;
      entry.played++;
      return fault;
    }
    return null;
  }
}

/** A fault as the control API takes it, or what is wrong with it. */
export function readFault(value: unknown, providers: readonly string[]): Fault | string {
  const { kind, ...given } = fieldsOf(value);
  const known = FAULT_KINDS.find((name) => name === (kind === '429' ? 'rate' : kind));
  if (!known) return `kind must be one of ${FAULT_KINDS.join(', ')}`;
  const fault: Fault = { kind: known };
  for (const [name, part] of Object.entries(given)) {
    const wrong = setPart(fault, name, part, providers);
    if (wrong) return wrong;
  }
  return fault;
}

function setPart(fault: Fault, name: string, part: unknown, providers: readonly string[]): string | null {
  if (name === 'rate' || name === 'count' || name === 'bytes' || name === 'everyMs') {
    if (typeof part !== 'number' || !(part >= 0)) return `${name} must be a number, 0 or more`;
    fault[name] = part;
  } else if (name === 'provider') {
    if (!providers.some((known) => known === part)) return `provider must be one of ${providers.join(', ')}`;
    fault.provider = part as string;
  } else if (name === 'retryAfter') {
    if (typeof part !== 'string' && typeof part !== 'number') return 'retryAfter must be a text or a number';
    fault.retryAfter = String(part);
  } else {
    return `${name} is no property of a fault`;
  }
  return null;
}
