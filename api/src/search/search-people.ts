import type { Db } from '@leadwell/shared/db/database';
import type { Filters } from './filters';
import { listPeople, type Person } from './people';
import { countLeads, listLeadIds } from './select-leads';

export interface PersonSearch {
  orgId: string;
  filters: Filters;
  page: number;
  size: number;
}

/** One page of a search, and where it stands in the whole. */
export interface PersonPage {
  content: Person[];
  totalElements: number;
  totalPages: number;
  number: number;
  size: number;
  first: boolean;
  last: boolean;
  numberOfElements: number;
  empty: boolean;
}

/** A page of the people that an organisation sees and its filters match, by insertion; behind the end an empty one. A page of size 0 only counts. */
export async function searchPeople(db: Db, search: PersonSearch): Promise<PersonPage> {
  const { orgId, page, size } = search;
  const ids = size === 0 ? [] : await listLeadIds(db, { ...search, offset: page * size, limit: size });
  const [content, totalElements] = [await listPeople(db, orgId, ids), await totalOf(db, search, ids.length)];
  const totalPages = size === 0 ? Math.min(1, totalElements) : Math.ceil(totalElements / size);
  return {
    content,
    totalElements,
    totalPages,
    number: page,
    size,
    first: page === 0,
    last: page + 1 >= totalPages,
    numberOfElements: content.length,
    empty: content.length === 0,
  };
}

/** A page that is not full says how many there are; only the others cost a count. */
async function totalOf(db: Db, search: PersonSearch, found: number): Promise<number> {
  const { page, size } = search;
  if (found < size && (found > 0 || page === 0)) return page * size + found;
  return countLeads(db, search);
}
