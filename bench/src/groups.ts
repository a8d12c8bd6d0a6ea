import type { Group } from './group';
import { acceptGroup } from './groups/accept';
import { contentionGroup } from './groups/contention';
import { pollGroup } from './groups/poll';
import { searchGroup } from './groups/search';

/** All groups, in the order in which they run. */
export const GROUPS: readonly Group[] = [acceptGroup, contentionGroup, pollGroup, searchGroup];
