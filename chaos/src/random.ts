import { createHash } from 'node:crypto';

/** Numbers that follow from a seed and a name only: what one part draws never shifts what another draws. */
export class Random {
  #state: number;

  constructor(
    private readonly seed: string,
    name = '',
  ) {
    this.#state = createHash('sha256').update(`${seed} ${name}`).digest().readUInt32LE(0);
  }

  /** A stream of its own, the same for the same name. */
  fork(name: string): Random {
    return new Random(this.seed, name);
  }

  /** From 0 to below 1. Source: mulberry32, https://github.com/cprosche/mulberry32 */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number, both bounds included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    return list[this.between(0, list.length - 1)] as T;
  }

  /** One of the keys, each as often as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) if ((left -= weight) < 0) return name;
    return (entries.at(-1) as [T, number])[0];
  }

  /** `count` different ones of the list, in drawn order; all of them where it has fewer. */
  sample<T>(list: readonly T[], count: number): T[] {
    const left = [...list];
    return Array.from({ length: Math.min(count, left.length) }, () => {
      const [drawn] = left.splice(this.between(0, left.length - 1), 1);
      return drawn as T;
    });
  }
}
