/** Leads and filters from a seed: the same every time. */
import type { Filters } from '@leadwell/api/search/filters';
import type { OracleLead } from './filter-oracle';

export type Random = () => number;

/** Numbers from 0 to 1 (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const NAMES = [
  'José Núñez',
  'jose nunez',
  'Anna Schmidt',
  'Анна Иванова',
  'محمد علي',
  '王小明',
  "O'Brien Ann",
  'Ann-Marie Łukasz',
  '🦄 Uni Corn',
];
const TITLES = [
  'Software Engineer',
  'Engineer Software',
  'Senior Software Engineer II',
  'Head of Sales',
  'VP, Sales & Marketing',
  '软件工程师',
  '高级 AI工程师',
  'Ingénieur logiciel',
  'C++ Developer',
  '100% remote_dev',
  'Разработчик',
];
const SENIORITIES = ['Senior', 'VP', 'C-Level', 'Éntry'];
const PLACES = ['Berlin', 'München', 'São Paulo', 'Germany', 'Brazil', '北京', 'Köln', 'Georgia'];
const SKILLS = [
  'Go',
  'C++',
  'C#',
  'Machine Learning',
  'Learning Design',
  'machine',
  'node.js',
  'データ分析',
  'Node',
];
const LANGUAGES = ['English', 'Deutsch', 'Español', '中文', 'Русский'];
const COMPANIES = ['Acme', 'Acme Sales', 'Straße GmbH', 'Software AG', '腾讯', 'X'];
const AREAS = ['Sales', 'Engineering', 'R&D', 'Human Resources'];
const INDUSTRIES = ['Software', 'Banking & Finance', 'Bänking & finance'];
const SIZES = [
  [1, 10],
  [11, 50],
  [51, 200],
  [10_001, null],
  [null, null],
  [42, 42],
] as const;
const HOSTILE = [
  '%',
  '_',
  "'; DROP TABLE people; --",
  '\\',
  ':*',
  '&',
  'a:* | b',
  '!sales',
  "''",
  '🦄',
  '(',
  '<->',
  '   ',
  '$1',
  '?',
  ':f0',
  '\u200d',
];
const EVERYTHING = [
  NAMES,
  TITLES,
  SENIORITIES,
  PLACES,
  SKILLS,
  LANGUAGES,
  COMPANIES,
  AREAS,
  INDUSTRIES,
].flat();

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

function some<T>(random: Random, values: readonly T[], most: number): T[] {
  return [...new Set(Array.from({ length: Math.floor(random() * (most + 1)) }, () => pick(random, values)))];
}

export function generateLead(random: Random, index: number): OracleLead & { linkedinUrl: string } {
  const [employeesMin, employeesMax] = pick(random, SIZES);
  return {
    linkedinUrl: `https://www.linkedin.com/in/lead-${index}`,
    fullName: pick(random, NAMES),
    jobTitle: pick(random, TITLES),
    seniority: pick(random, SENIORITIES),
    city: pick(random, PLACES),
    country: pick(random, PLACES),
    departments: some(random, AREAS, 2),
    functions: some(random, AREAS, 2),
    skills: some(random, SKILLS, 4),
    languages: some(random, LANGUAGES, 2),
    previousCompanies: some(random, COMPANIES, 2),
    emails: random() < 0.3 ? [`lead${index}@example.com`] : [],
    company: {
      name: pick(random, COMPANIES),
      domain: `acme-${index}.example`,
      industry: pick(random, INDUSTRIES),
      city: pick(random, PLACES),
      country: pick(random, PLACES),
      employeesMin,
      employeesMax,
    },
  };
}

export function generateFilters(random: Random): Filters {
  const value = (own: readonly string[]) => generateValue(random, own);
  const list = (own: readonly string[]) =>
    generateGroups(random, (n) => Array.from({ length: n }, () => value(own)));
  const text = (own: readonly string[]) =>
    generateGroups(random, (n) => ({
      ...(random() < 0.8 && { mode: pick(random, ['SMART', 'WORD', 'STRICT'] as const) }),
      content: Array.from({ length: n }, () => value(own)),
    }));
  const start = Math.floor(random() * 300);
  const choices: (() => Filters)[] = [
    () => ({ contact: { fullName: text(NAMES) } }),
    () => ({ contact: { jobTitle: text(TITLES) } }),
    () => ({ contact: { seniority: list(SENIORITIES) } }),
    () => ({ contact: { departmentAndFunction: list(AREAS) } }),
    () => ({ contact: { location: list(PLACES) } }),
    () => ({ contact: { company: { current: list(COMPANIES), previous: list(COMPANIES) } } }),
    () => ({ contact: { skill: text(SKILLS) } }),
    () => ({ contact: { language: text(LANGUAGES) } }),
    () => ({ contact: { keyword: text([...NAMES, ...TITLES, ...SKILLS, ...COMPANIES]) } }),
    () => ({ contact: { hasEmail: random() < 0.5 } }),
    () => ({ account: { nameOrDomain: text([...COMPANIES, 'acme example', 'acme-17.example', 'acme 2']) } }),
    () => ({ account: { industry: list(INDUSTRIES) } }),
    () => ({ account: { location: list(PLACES) } }),
    () => ({
      account: {
        employeeSize: { range: pick(random, [{ start }, { end: start }, { start, end: start + 40 }, {}]) },
      },
    }),
  ];
  const [first, second] = [pick(random, choices)(), random() < 0.4 ? pick(random, choices)() : {}];
  return {
    contact: { ...first.contact, ...second.contact },
    account: { ...first.account, ...second.account },
  };
}

function generateGroups<List>(random: Random, make: (count: number) => List) {
  const group = () => ({
    ...(random() < 0.4 && { include: make(Math.floor(random() * 3)) }),
    ...(random() < 0.2 && { exclude: make(Math.floor(random() * 3)) }),
  });
  return { ...(random() < 0.6 && { all: group() }), ...(random() < 0.7 && { any: group() }) };
}

/** A value as it is stored, or a piece, a respelling or a reordering of it; now and then something hostile. */
function generateValue(random: Random, own: readonly string[]): string {
  if (random() < 0.08) return pick(random, HOSTILE);
  const value = pick(random, random() < 0.85 ? own : EVERYTHING);
  const characters = [...value];
  return pick(random, [
    () => value,
    () => value.toUpperCase(),
    () => ` ${value.normalize('NFD').replace(/\p{M}/gu, '')} `,
    () => characters.slice(0, 1 + Math.floor(random() * characters.length)).join(''),
    () => characters.slice(Math.floor(random() * characters.length)).join(''),
    () => value.split(' ').reverse().join(' '),
    () => pick(random, value.split(' ')),
    () => `${pick(random, value.split(' '))}${pick(random, HOSTILE)}`,
  ])();
}
