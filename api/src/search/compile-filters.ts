import type { TermField, WordField } from '@leadwell/shared/domain/search-terms';
import { Conditions } from './conditions';
import type { Filters, Groups, ListFilter, RangeFilter, TextFilter } from './filters';
import { matchTerm, matchText, type Match } from './text-match';

const LOCATION: readonly TermField[] = ['city', 'country'];
const ACCOUNT_LOCATION: readonly TermField[] = ['account-city', 'account-country'];
const KEYWORD: readonly WordField[] = ['name', 'title', 'skill', 'company'];

/** Filters in SQL: conditions over `people_search p`, every value in the bindings. */
export interface CompiledFilters {
  /** All of them; `TRUE` for no filter. */
  sql: string;
  /** The same in two parts: what a lead must meet, and what then drops it (null: nothing does). */
  wantedSql: string;
  /** What a lead must meet, as conditions of which it meets one or none: their counts add up. */
  wantedParts: string[];
  droppingSql: string | null;
  bindings: Record<string, unknown>;
}

/**
 * The filters as conditions. Names of the bindings are `f0`, `f1` …, and `orgId`, whose found values count for hasEmail and
 * hasPhone.
 * A value that folds to no word ('%' in SMART or WORD) is matched by no lead: included it finds nothing, excluded it drops nothing.
 */
export function compileFilters(filters: Filters, orgId: string): CompiledFilters {
  const conditions = new Conditions();
  addContact(conditions, filters.contact ?? {});
  addAccount(conditions, filters.account ?? {});
  const { sql, wantedSql, wantedParts, droppingSql } = conditions;
  return { sql, wantedSql, wantedParts, droppingSql, bindings: { ...conditions.bindings, orgId } };
}

function addContact(conditions: Conditions, contact: NonNullable<Filters['contact']>): void {
  addText(conditions, ['name'], contact.fullName);
  addText(conditions, ['title'], contact.jobTitle);
  addList(conditions, ['seniority'], contact.seniority);
  addList(conditions, ['department', 'function'], contact.departmentAndFunction);
  addList(conditions, LOCATION, contact.location);
  addList(conditions, ['company'], contact.company?.current);
  addList(conditions, ['previous'], contact.company?.previous);
  addText(conditions, ['skill'], contact.skill);
  addText(conditions, ['language'], contact.language);
  addText(conditions, KEYWORD, contact.keyword);
  addList(conditions, ['social'], contact.socialMediaLink);
  addReachable(conditions, 'email', contact.hasEmail);
  addReachable(conditions, 'phone', contact.hasPhone);
}

function addAccount(conditions: Conditions, account: NonNullable<Filters['account']>): void {
  addText(conditions, ['company', 'company-domain'], account.nameOrDomain);
  addList(conditions, ['industry'], account.industry);
  addList(conditions, ACCOUNT_LOCATION, account.location);
  addEmployees(conditions, account.employeeSize);
}

function addList(conditions: Conditions, fields: readonly TermField[], filter: ListFilter | undefined): void {
  addGroups(conditions, filter, (list) => list.map((value) => matchTerm(fields, value)));
}

function addText(conditions: Conditions, fields: readonly WordField[], filter: TextFilter | undefined): void {
  addGroups(conditions, filter, ({ mode = 'SMART', content = [] }) =>
    content.map((value) => matchText(fields, mode, value)),
  );
}

function addGroups<List>(
  conditions: Conditions,
  filter: Groups<List> | undefined,
  match: (list: List) => Match[],
): void {
  const matches = (list: List | undefined): Match[] => (list === undefined ? [] : match(list));
  conditions.includeAll(matches(filter?.all?.include));
  conditions.includeAny(matches(filter?.any?.include));
  conditions.excludeAll(matches(filter?.all?.exclude));
  conditions.excludeAny(matches(filter?.any?.exclude));
}

/** The lead's own, or what this organisation found and was not told is wrong. */
function addReachable(conditions: Conditions, kind: 'email' | 'phone', wanted: boolean | undefined): void {
  if (wanted === undefined) return;
  const own = `p.has_${kind}`;
  const found = `EXISTS (
    SELECT FROM lead_values v
    WHERE v.org_id = :orgId AND v.lead_id = p.id AND v.kind = '${kind}' AND v.verdict <> 'invalid')`;
  if (wanted) conditions.addEither(own, found);
  else conditions.add(`NOT ${own} AND NOT ${found}`);
}

/** Companies whose size overlaps the range; a size without an end is open, an unknown one overlaps nothing. */
function addEmployees(conditions: Conditions, filter: RangeFilter | undefined): void {
  const { start, end } = filter?.range ?? {};
  if (start === undefined && end === undefined) return;
  conditions.add('(p.employees_min IS NOT NULL OR p.employees_max IS NOT NULL)');
  if (start !== undefined)
    conditions.add(`(p.employees_max IS NULL OR p.employees_max >= ${conditions.bind(start)}::bigint)`);
  if (end !== undefined)
    conditions.add(`(p.employees_min IS NULL OR p.employees_min <= ${conditions.bind(end)}::bigint)`);
}
