/** One way to do the work that a group measures. A call is one round; what it gives is its sample. */
export type Contender = (round: number) => Promise<number>;

/**
 * Runs every contender once a round, each round beginning with another, so that what the machine does meanwhile falls on
 * all of them alike. The first round warms up and is thrown away. Gives the samples by contender, in the order of the rounds.
 */
export async function interleave<Name extends string>(
  contenders: Record<Name, Contender>,
  options: { rounds: number; say: (text: string) => void },
): Promise<Record<Name, number[]>> {
  const names = Object.keys(contenders) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>;
  for (let round = 0; round <= options.rounds; round++) {
    const told: string[] = [];
    for (const name of rotate(names, round)) {
      const sample = await contenders[name](round);
      told.push(`${name} ${Number(sample.toPrecision(3))}`);
      if (round > 0) samples[name].push(sample);
    }
    const label = round === 0 ? 'warm-up' : `round ${round} of ${options.rounds}`;
    options.say(`${label}: ${told.sort().join(', ')}`);
  }
  return samples;
}

function rotate<T>(values: readonly T[], by: number): T[] {
  const start = by % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
}

/** Milliseconds that the work takes. */
export async function timeMs(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}
