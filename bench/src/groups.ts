import type { Group } from './group';
import { acceptGroup } from './groups/accept';
import { contentionGroup } from './groups/contention';

/** All groups, in the order in which they run. */
export const GROUPS: readonly Group[] = [acceptGroup, contentionGroup];
