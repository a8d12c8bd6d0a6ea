import type { Group } from './group';
import { acceptGroup } from './groups/accept';
import { contentionGroup } from './groups/contention';
import { drainGroup } from './groups/drain';
import { fairnessGroup } from './groups/fairness';
import { latencyGroup } from './groups/latency';
import { memoryGroup } from './groups/memory';
import { tripsGroup } from './groups/trips';
import { workersGroup } from './groups/workers';

/** All groups, in the order in which they run. */
export const GROUPS: readonly Group[] = [
  acceptGroup,
  contentionGroup,
  drainGroup,
  latencyGroup,
  workersGroup,
  fairnessGroup,
  tripsGroup,
  memoryGroup,
];
