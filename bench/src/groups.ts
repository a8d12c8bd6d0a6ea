import type { Group } from './group';
import { acceptGroup } from './groups/accept';
import { contentionGroup } from './groups/contention';
import { limitsGroup } from './groups/limits';

/** All groups, in the order in which they run. */
export const GROUPS: readonly Group[] = [acceptGroup, contentionGroup, limitsGroup];
