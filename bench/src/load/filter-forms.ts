import type { Filters } from '@leadwell/api/search/filters';

/** A filter of each form and mode, over the leads of loadDirectory. */
export interface FilterForm {
  name: string;
  filters: Filters;
  /** It changes as enrichment goes on, and is therefore refused behind the first row. */
  onlyFromStart?: true;
}

const any = <List>(include: List) => ({ any: { include } });
const text = (mode: 'SMART' | 'WORD' | 'STRICT', ...content: string[]) => any({ mode, content });

/** Those that match many leads first: they cost most. */
export const FILTER_FORMS: readonly FilterForm[] = [
  { name: 'none', filters: {} },
  { name: 'country', filters: { contact: { location: any(['Germany']) } } },
  { name: 'city, rare', filters: { contact: { location: any(['City17']) } } },
  { name: 'seniority', filters: { contact: { seniority: any(['Senior', 'VP']) } } },
  { name: 'department, everybody', filters: { contact: { departmentAndFunction: any(['Sales']) } } },
  { name: 'title SMART', filters: { contact: { jobTitle: text('SMART', 'engineer softw') } } },
  { name: 'title WORD', filters: { contact: { jobTitle: text('WORD', 'head of sales') } } },
  { name: 'title STRICT', filters: { contact: { jobTitle: text('STRICT', 'Recruiter') } } },
  { name: 'name SMART', filters: { contact: { fullName: text('SMART', 'ada') } } },
  { name: 'name SMART, rare', filters: { contact: { fullName: text('SMART', 'byron4711 ada') } } },
  { name: 'company now', filters: { contact: { company: { current: any(['Engine 17', 'Engine 18']) } } } },
  { name: 'company before', filters: { contact: { company: { previous: any(['Old 017']) } } } },
  { name: 'skill SMART', filters: { contact: { skill: text('SMART', 'go', 'sql') } } },
  { name: 'skill STRICT, rare', filters: { contact: { skill: text('STRICT', 'rare017') } } },
  { name: 'language', filters: { contact: { language: text('SMART', 'german') } } },
  { name: 'keyword SMART', filters: { contact: { keyword: text('SMART', 'engineer python') } } },
  { name: 'social link', filters: { contact: { socialMediaLink: any(['linkedin.com/in/lead4711']) } } },
  { name: 'hasEmail', filters: { contact: { hasEmail: true } }, onlyFromStart: true },
  { name: 'company text', filters: { account: { nameOrDomain: text('SMART', 'engine 17') } } },
  { name: 'industry', filters: { account: { industry: any(['Software']) } } },
  { name: 'company country', filters: { account: { location: any(['Kenya']) } } },
  { name: 'employees, 1 in 20', filters: { account: { employeeSize: { range: { start: 999 } } } } },
  {
    name: 'country without 50 companies',
    filters: {
      contact: { location: any(['Germany']) },
      account: {
        nameOrDomain: {
          any: {
            exclude: {
              mode: 'STRICT',
              content: Array.from({ length: 50 }, (_, i) => `engine-${i * 31}.example`),
            },
          },
        },
      },
    },
  },
  {
    name: 'country, title and skill',
    filters: {
      contact: {
        location: any(['Germany', 'France']),
        jobTitle: text('SMART', 'engineer'),
        skill: text('SMART', 'go'),
      },
    },
  },
];
