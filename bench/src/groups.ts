import type { Group } from './group';
import { acceptGroup } from './groups/accept';
import { apiMemoryGroup } from './groups/api-memory';
import { contentionGroup } from './groups/contention';
import { countsGroup } from './groups/counts';
import { drainGroup } from './groups/drain';
import { fairnessGroup } from './groups/fairness';
import { importGroup } from './groups/import';
import { latencyGroup } from './groups/latency';
import { limitsGroup } from './groups/limits';
import { memoryGroup } from './groups/memory';
import { outageGroup } from './groups/outage';
import { pollGroup } from './groups/poll';
import { scaleGroup } from './groups/scale';
import { searchGroup } from './groups/search';
import { tripsGroup } from './groups/trips';
import { workersGroup } from './groups/workers';

/** All groups, in the order in which they run. */
export const GROUPS: readonly Group[] = [
  acceptGroup,
  contentionGroup,
  pollGroup,
  searchGroup,
  countsGroup,
  importGroup,
  drainGroup,
  latencyGroup,
  workersGroup,
  limitsGroup,
  fairnessGroup,
  outageGroup,
  tripsGroup,
  memoryGroup,
  apiMemoryGroup,
  scaleGroup,
];
