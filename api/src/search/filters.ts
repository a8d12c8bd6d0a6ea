/** The filters of a search as a client writes them. What is empty or absent is no condition. */

export const TEXT_MODES = ['SMART', 'WORD', 'STRICT'] as const;
export type TextMode = (typeof TEXT_MODES)[number];

/** Values to have (`include`) and not to have (`exclude`); `all` of them together, or `any` one. */
export interface Groups<List> {
  all?: { include?: List; exclude?: List };
  any?: { include?: List; exclude?: List };
}

export type ListFilter = Groups<readonly string[]>;
export type TextFilter = Groups<{ mode?: TextMode; content?: readonly string[] }>;

export interface PeriodFilter {
  current?: ListFilter;
  previous?: ListFilter;
}

/** Both ends inclusive; an absent one is open. */
export interface RangeFilter {
  range?: { start?: number; end?: number };
}

export interface ContactFilters {
  fullName?: TextFilter;
  jobTitle?: TextFilter;
  seniority?: ListFilter;
  departmentAndFunction?: ListFilter;
  location?: ListFilter;
  company?: PeriodFilter;
  skill?: TextFilter;
  language?: TextFilter;
  keyword?: TextFilter;
  socialMediaLink?: ListFilter;
  hasEmail?: boolean;
  hasPhone?: boolean;
}

export interface AccountFilters {
  nameOrDomain?: TextFilter;
  industry?: ListFilter;
  location?: ListFilter;
  employeeSize?: RangeFilter;
}

export interface Filters {
  contact?: ContactFilters;
  account?: AccountFilters;
}
