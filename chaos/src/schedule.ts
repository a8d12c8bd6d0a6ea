import { faultWeights, type BackendName, type FaultName } from './fault-names';
import type { Random } from './random';

/** A fault as it was drawn: everything that is random about it, before anything happens. */
export interface PlannedFault {
  name: FaultName;
  /** The quiet time before it. */
  afterMs: number;
  /** From 0 to below 1: which of the processes or provider faults. */
  target: number;
  /** From 0 to below 1: how long or how often, inside the fault's own bounds. */
  size: number;
}

/** Endless; the n-th fault of a seed, backend and options is always the same. */
export function* planFaults(
  random: Random,
  backend: BackendName,
  { only, everySeconds }: { only: FaultName | undefined; everySeconds: number },
): Generator<PlannedFault, never> {
  const weights = faultWeights(backend) as Record<FaultName, number>;
  for (;;) {
    const drawn = random.weighted(weights);
    yield {
      name: only ?? drawn,
      afterMs: Math.round(everySeconds * (500 + 1_000 * random.next())),
      target: random.next(),
      size: random.next(),
    };
  }
}

/** The place that a number from 0 to below 1 points to in a list that is not empty. */
export function at<T>(list: readonly T[], share: number): T {
  return list[Math.floor(share * list.length)] as T;
}
