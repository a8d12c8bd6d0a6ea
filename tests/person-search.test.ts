import { Readable } from 'node:stream';
import type { Filters } from '@leadwell/api/search/filters';
import { countLeads, selectLeads } from '@leadwell/api/search/select-leads';
import type { PersonPage } from '@leadwell/api/search/search-people';
import type { Person } from '@leadwell/api/search/people';
import { execute, query } from '@leadwell/shared/db/database';
import { newId } from '@leadwell/shared/domain/ids';
import { importLeads } from '@leadwell/shared/leads/import-leads';
import { isMatch } from './support/filter-oracle';
import { generateFilters, generateLead, seededRandom } from './support/generated-leads';
import { seedTenant, type Tenant } from './support/seed';
import { startTestApi, type ErrorBody, type TestApi } from './support/test-api';

const PATH = '/api/v1/entities/prospects/person';

async function importAll(api: TestApi, orgId: string | null, leads: object[]): Promise<void> {
  const source = Readable.from([Buffer.from(leads.map((lead) => JSON.stringify(lead)).join('\n'))]);
  const rejected: unknown[] = [];
  await importLeads(api.knex, { orgId, source, format: 'ndjson', onRejected: (row) => rejected.push(row) });
  expect(rejected).toEqual([]);
}

const LEADS = [
  {
    fullName: 'José Núñez',
    jobTitle: 'Senior Software Engineer',
    seniority: 'Senior',
    city: 'São Paulo',
    country: 'Brazil',
    departments: ['Engineering'],
    functions: ['R&D'],
    skills: ['C++', 'Machine Learning'],
    languages: ['Português'],
    previousCompanies: ['Globex'],
    socialLinks: ['https://twitter.com/jose'],
    emails: ['jose@acme.com'],
    linkedinUrl: 'https://www.linkedin.com/in/jose',
    company: {
      name: 'Acme',
      domain: 'acme.com',
      industry: 'Software',
      city: 'Rio',
      country: 'Brazil',
      size: '51-200',
    },
  },
  {
    fullName: '王小明',
    jobTitle: '高级软件工程师',
    city: '北京',
    skills: ['Learning Design', 'C#', 'Go'],
    linkedinUrl: 'https://www.linkedin.com/in/wang',
    company: { name: '腾讯', domain: 'tencent.com', size: '10001+' },
  },
  {
    fullName: 'محمد علي',
    jobTitle: 'Head of Sales',
    country: 'Egypt',
    phones: ['+20 2 1234567'],
    linkedinUrl: 'https://www.linkedin.com/in/ali',
    company: { name: 'Pyramid Sales', domain: 'pyramid.example' },
  },
  {
    fullName: 'Дмитрий Ёлкин',
    jobTitle: 'Engineer, Software 🦄 100%',
    seniority: 'VP',
    linkedinUrl: 'https://www.linkedin.com/in/elkin',
    company: { name: 'Straße & Söhne', domain: 'strasse.example', size: '1-10' },
  },
  {
    fullName: "Ann O'Brien",
    jobTitle: 'engineering_lead',
    departments: ['Sales', 'Marketing'],
    socialLinks: ['https://github.com/ann'],
    linkedinUrl: 'https://www.linkedin.com/in/ann',
    company: { name: 'Globex', domain: 'globex.io', industry: 'Banking', size: '42' },
  },
];
const ALL = ['jose', 'wang', 'ali', 'elkin', 'ann'];

const smart = (...content: string[]) => ({ any: { include: { content } } });
const word = (...content: string[]) => ({ any: { include: { mode: 'WORD' as const, content } } });
const strict = (...content: string[]) => ({ any: { include: { mode: 'STRICT' as const, content } } });
const any = (...include: string[]) => ({ any: { include } });

const CASES: [string, Filters, string[]][] = [
  ['no filter', {}, ALL],
  [
    'empty filters',
    { contact: { jobTitle: {}, seniority: { any: { include: [] } }, location: { all: {} } } },
    ALL,
  ],
  ['SMART: accents and case', { contact: { fullName: smart('NUNEZ jose') } }, ['jose']],
  ['SMART: beginnings in any order', { contact: { jobTitle: smart('soft eng') } }, ['jose', 'elkin']],
  ['SMART: not inside a word', { contact: { jobTitle: smart('ware') } }, []],
  ['SMART: one of two', { contact: { jobTitle: smart('sales', 'lead') } }, ['ali', 'ann']],
  ['SMART: Chinese inside a run', { contact: { jobTitle: smart('工程') } }, ['wang']],
  ['SMART: Chinese in order', { contact: { jobTitle: smart('程工') } }, []],
  ['SMART: Arabic', { contact: { fullName: smart('محم') } }, ['ali']],
  ['SMART: Cyrillic, ё as е', { contact: { fullName: smart('ЕЛКИН дмит') } }, ['elkin']],
  ['SMART: an apostrophe', { contact: { fullName: smart("o'brien") } }, ['ann']],
  ['SMART: ß as ss', { account: { nameOrDomain: smart('STRASSE sohne') } }, ['elkin']],
  ['SMART: emoji alone', { contact: { jobTitle: smart('🦄') } }, []],
  ['SMART: % is no wildcard', { contact: { jobTitle: smart('%') } }, []],
  ['SMART: _ is no wildcard', { contact: { jobTitle: smart('engin_lead') } }, ['ann']],
  ['SMART: a tsquery is only words', { contact: { jobTitle: smart("eng:* | !sales & 'x'") } }, []],
  ['WORD: adjacent, in order', { contact: { jobTitle: word('software ENGINEER') } }, ['jose']],
  ['WORD: whole', { contact: { jobTitle: word('engin') } }, []],
  ['WORD: not over two elements', { contact: { skill: word('design c') } }, []],
  ['WORD: inside an element', { contact: { skill: word('machine learning') } }, ['jose']],
  ['STRICT: the whole field', { contact: { jobTitle: strict('HEAD of sales', 'engineer') } }, ['ali']],
  ['STRICT: signs count', { contact: { skill: strict('c++') } }, ['jose']],
  [
    'TEXT all include',
    { contact: { skill: { all: { include: { content: ['learning', 'go'] } } } } },
    ['wang'],
  ],
  [
    'TEXT all exclude',
    { contact: { skill: { all: { exclude: { content: ['learning', 'go'] } } } } },
    ['jose', 'ali', 'elkin', 'ann'],
  ],
  [
    'TEXT any exclude',
    { contact: { jobTitle: { any: { exclude: { content: ['engineer', '工'] } } } } },
    ['ali'],
  ],
  ['TEXT excluding nothing', { contact: { jobTitle: { any: { exclude: { content: ['%', '🦄'] } } } } }, ALL],
  ['language', { contact: { language: smart('portugues') } }, ['jose']],
  ['seniority any', { contact: { seniority: any('senior', 'vp') } }, ['jose', 'elkin']],
  ['LIST is whole values', { contact: { seniority: any('sen') } }, []],
  [
    'LIST all include',
    { contact: { departmentAndFunction: { all: { include: ['sales', 'MARKETING'] } } } },
    ['ann'],
  ],
  [
    'LIST over two fields',
    { contact: { departmentAndFunction: { all: { include: ['engineering', 'r&d'] } } } },
    ['jose'],
  ],
  [
    'LIST any exclude',
    { contact: { departmentAndFunction: { any: { exclude: ['Sales', 'r&d'] } } } },
    ['wang', 'ali', 'elkin'],
  ],
  ['LIST all exclude', { contact: { departmentAndFunction: { all: { exclude: ['Sales', 'r&d'] } } } }, ALL],
  [
    'location: city or country',
    { contact: { location: any('sao paulo', 'EGYPT', '北京') } },
    ['jose', 'wang', 'ali'],
  ],
  ['location: both', { contact: { location: { all: { include: ['sao paulo', 'brazil'] } } } }, ['jose']],
  ['current company', { contact: { company: { current: any('globex') } } }, ['ann']],
  ['previous company', { contact: { company: { previous: any('globex') } } }, ['jose']],
  [
    'current and previous',
    { contact: { company: { current: any('Acme'), previous: any('globex') } } },
    ['jose'],
  ],
  ['keyword over fields', { contact: { keyword: smart('acme machine jose engineer') } }, ['jose']],
  ['keyword of a company', { contact: { keyword: smart('pyramid') } }, ['ali']],
  ['keyword WORD in one field', { contact: { keyword: word('sales pyramid') } }, []],
  ['keyword STRICT', { contact: { keyword: strict('go', 'acme') } }, ['jose', 'wang']],
  ['social network', { contact: { socialMediaLink: any('GitHub') } }, ['ann']],
  ['social address', { contact: { socialMediaLink: any('www.twitter.com/jose/') } }, ['jose']],
  ['hasEmail', { contact: { hasEmail: true } }, ['jose']],
  ['no email', { contact: { hasEmail: false } }, ['wang', 'ali', 'elkin', 'ann']],
  ['hasPhone', { contact: { hasPhone: true } }, ['ali']],
  ['company name or domain', { account: { nameOrDomain: smart('globex.io', 'acme') } }, ['jose', 'ann']],
  ['domain STRICT', { account: { nameOrDomain: strict('https://www.TENCENT.com/about') } }, ['wang']],
  ['industry', { account: { industry: any('banking', 'software') } }, ['jose', 'ann']],
  ['account location', { account: { location: any('rio') } }, ['jose']],
  ['size: overlap', { account: { employeeSize: { range: { start: 42, end: 51 } } } }, ['jose', 'ann']],
  ['size: open end', { account: { employeeSize: { range: { start: 1_000_000_000_000 } } } }, ['wang']],
  ['size: up to', { account: { employeeSize: { range: { end: 1 } } } }, ['elkin']],
  ['size: no range', { account: { employeeSize: { range: {} } } }, ALL],
  [
    'two blocks',
    { contact: { jobTitle: smart('eng') }, account: { employeeSize: { range: { end: 50 } } } },
    ['elkin', 'ann'],
  ],
  [
    'SQL in a list',
    { contact: { location: any("'); DROP TABLE people; --", '?', ':orgId', '{a,b}', '\\') } },
    [],
  ],
];

describe('the search for people', () => {
  let api: TestApi;
  let tenant: Tenant;
  beforeAll(async () => {
    api = await startTestApi();
    tenant = await seedTenant(api.knex);
    await importAll(api, null, LEADS);
  });
  afterAll(() => api.close());

  const search = <T = PersonPage>(body: object, key = tenant.apiKey) =>
    api.call<T>('POST', PATH, { key, body });
  const slugs = (page: PersonPage) => page.content.map((person) => person.linkedinUrl?.split('/').pop());

  it.each(CASES)('finds what it should: %s', async (_name, filters, expected) => {
    const answer = await search({ ...filters, size: 100 });
    expect({
      status: answer.status,
      found: answer.status === 200 ? slugs(answer.json) : answer.text,
    }).toEqual({ status: 200, found: expected });
    expect(answer.json.totalElements).toBe(expected.length);
  });

  it.each<[string, object, string]>([
    ['an unknown filter', { contact: { shoeSize: 3 } }, 'contact.shoeSize'],
    ['an unknown field', { contacts: {} }, 'contacts'],
    [
      'an unknown mode',
      { contact: { skill: { any: { include: { mode: 'FUZZY', content: [] } } } } },
      'contact.skill.any.include.mode',
    ],
    ['a list for a text', { contact: { skill: { any: { include: ['go'] } } } }, 'contact.skill.any.include'],
    ['a bare list', { contact: { seniority: ['vp'] } }, 'contact.seniority'],
    [
      '51 values',
      { contact: { seniority: any(...Array<string>(51).fill('x')) } },
      'contact.seniority.any.include',
    ],
    [
      '51 values in two lists',
      { contact: { seniority: { ...any(...Array<string>(50).fill('x')), all: { exclude: ['y'] } } } },
      'contact.seniority',
    ],
    [
      '101 characters',
      { contact: { fullName: smart('x'.repeat(101)) } },
      'contact.fullName.any.include.content[0]',
    ],
    ['NUL', { contact: { fullName: smart('a\0') } }, 'contact.fullName.any.include.content[0]'],
    ['half a surrogate pair', { contact: { location: any('\ud83e') } }, 'contact.location.any.include[0]'],
    ['a number', { contact: { location: { any: { include: [7] } } } }, 'contact.location.any.include[0]'],
    [
      'a range upside down',
      { account: { employeeSize: { range: { start: 2, end: 1 } } } },
      'account.employeeSize.range.end',
    ],
    ['hasEmail as text', { contact: { hasEmail: 'yes' } }, 'contact.hasEmail'],
    [
      'a keyword of too many words',
      {
        contact: {
          keyword: {
            any: { include: { content: Array(50).fill('a b c d e f g h i j k l m n o p q r s t u') } },
          },
        },
      },
      'contact.keyword',
    ],
    ['a page that is too deep', { page: 10_001, size: 100 }, 'body'],
    ['size 101', { size: 101 }, 'size'],
    ['page -1', { page: -1 }, 'page'],
  ])('refuses %s', async (_name, body, path) => {
    const answer = await search<ErrorBody>(body);
    expect(answer.status).toBe(400);
    expect(answer.json.error.details.map((detail) => detail.path)).toEqual([path]);
  });

  it('takes 50 values of 100 characters in every filter', async () => {
    const values = Array.from({ length: 50 }, (_, i) =>
      `${'🦄'.repeat(20)} ${'lorem ipsum '.repeat(6)}${i}`.slice(0, 118),
    );
    const text = smart(...values);
    const list = any(...values);
    const contact = {
      fullName: text,
      jobTitle: text,
      skill: text,
      language: text,
      keyword: text,
      seniority: list,
      location: list,
      socialMediaLink: list,
      company: { current: list },
    };
    const answer = await search({ contact, account: { nameOrDomain: text, industry: list } });
    expect(answer.status).toBe(200);
    expect(answer.json.empty).toBe(true);
  });

  it('takes as many words as a filter can hold', async () => {
    const content = Array.from({ length: 50 }, (_, i) =>
      Array.from({ length: 20 }, (_, j) => (20 * i + j).toString(36))
        .join(' ')
        .slice(0, 100),
    );
    const answer = await search({
      contact: { keyword: { any: { exclude: { content } } } },
    });
    expect(answer.json.totalElements).toBe(5);
  });

  it('pages in the order of insertion', async () => {
    const { json: page } = await search({ page: 1, size: 2 });
    expect(slugs(page)).toEqual(['ali', 'elkin']);
    expect(page).toMatchObject({
      totalElements: 5,
      totalPages: 3,
      number: 1,
      size: 2,
      first: false,
      last: false,
      numberOfElements: 2,
      empty: false,
    });
    const { json: last } = await search({ page: 2, size: 2 });
    expect(last).toMatchObject({
      totalElements: 5,
      totalPages: 3,
      first: false,
      last: true,
      numberOfElements: 1,
    });
    const { json: behind } = await search({ page: 9, size: 10 });
    expect(behind).toMatchObject({ content: [], totalElements: 5, totalPages: 1, last: true, empty: true });
    const { json: none } = await search({ size: 0 });
    expect(none).toMatchObject({ content: [], totalElements: 5, first: true, empty: true });
  });

  it('answers a person with its company, and the same by id', async () => {
    const { json: page } = await search({ contact: { fullName: strict('José Núñez') } });
    const [person] = page.content as [Person];
    expect(Object.keys(person)).toEqual([
      'id',
      'createdAt',
      'updatedAt',
      'firstName',
      'lastName',
      'jobTitle',
      'city',
      'country',
      'linkedinUrl',
      'emails',
      'phones',
      'companyId',
      'seniority',
      'departments',
      'functions',
      'skills',
      'languages',
      'company',
    ]);
    expect(person).toMatchObject({
      firstName: 'José',
      skills: ['C++', 'Machine Learning'],
      company: { id: person.companyId, domain: 'acme.com', employeesMin: 51, employeesMax: 200 },
    });
    const byId = await api.call<Person>('GET', `${PATH}/${person.id.toUpperCase()}`, { key: tenant.apiKey });
    expect(byId.json).toEqual(person);
  });

  it('answers 404 for an unknown id, 400 for a malformed one, 403 without the scope', async () => {
    expect((await api.call('GET', `${PATH}/${newId()}`, { key: tenant.apiKey })).status).toBe(404);
    expect((await api.call('GET', `${PATH}/42`, { key: tenant.apiKey })).status).toBe(400);
    const importer = await seedTenant(api.knex, { scopes: ['import'] });
    expect((await search({}, importer.apiKey)).status).toBe(403);
    expect((await api.call('POST', PATH, { body: {} })).status).toBe(401);
  });

  it('shows what an organisation imported and found to that organisation alone', async () => {
    const [owner, other] = [await seedTenant(api.knex), await seedTenant(api.knex)];
    await importAll(api, owner.orgId, [
      { fullName: 'Own Lead', emails: ['own@example.com'], company: 'Own' },
    ]);
    const own = (await search({ contact: { fullName: smart('own') } }, owner.apiKey)).json
      .content[0] as Person;
    expect(own.emails).toEqual(['own@example.com']);
    for (const [value, verdict] of [
      ['new@example.com', 'risky'],
      ['bad@example.com', 'invalid'],
      ['OWN@example.com', 'deliverable'],
    ]) {
      await execute(
        api.knex,
        `INSERT INTO lead_values (org_id, lead_id, kind, value, verdict, provider, enrichment_id, found_at) VALUES (?, ?, 'email', ?, ?, 'hunter', ?, clock_timestamp())`,
        [owner.orgId, own.id, value, verdict, newId()],
      );
    }
    const seen = await api.call<Person>('GET', `${PATH}/${own.id}`, { key: owner.apiKey });
    expect(seen.json.emails).toEqual(['own@example.com', 'new@example.com']);
    expect((await api.call('GET', `${PATH}/${own.id}`, { key: other.apiKey })).status).toBe(404);
    expect((await search({ contact: { fullName: smart('own') } }, other.apiKey)).json.totalElements).toBe(0);
  });

  it('counts found values for hasEmail and hasPhone of the organisation that found them, unless invalid', async () => {
    const [finder, other] = [await seedTenant(api.knex), await seedTenant(api.knex)];
    const ids = await selectLeads(api.knex, {
      orgId: finder.orgId,
      filters: {},
      startIndex: 0,
      targetCount: 10,
      excludedIds: [],
    });
    for (const [id, verdict] of [
      [ids[1], 'unknown'],
      [ids[4], 'invalid'],
    ]) {
      await execute(
        api.knex,
        `INSERT INTO lead_values (org_id, lead_id, kind, value, verdict, provider, enrichment_id, found_at) VALUES (?, ?, 'phone', '+15550100', ?, 'hunter', ?, clock_timestamp())`,
        [finder.orgId, id, verdict, newId()],
      );
    }
    const filters = { contact: { hasPhone: true } };
    expect(slugs((await search(filters, finder.apiKey)).json)).toEqual(['wang', 'ali']);
    expect(slugs((await search(filters, other.apiKey)).json)).toEqual(['ali']);
  });

  it('selects for a bulk order the rows that the search showed, without replacing what is excluded', async () => {
    const rich = await seedTenant(api.knex, { credits: 1_000 });
    const filters = { contact: { jobTitle: smart('eng', 'sales') } };
    const shown = (await search(filters, rich.apiKey)).json.content.map((person) => person.id);
    expect(shown).toHaveLength(4);
    const body = {
      selection: { mode: 'bulk', startIndex: 1, targetCount: 2, filters, excludedIds: [shown[1]] },
      field: 'emails',
    };
    const answer = await api.call<{ entityId: string }[]>('POST', '/api/v1/operations/enrichment/bulk', {
      key: rich.apiKey,
      body,
    });
    expect(answer.json.map((row) => row.entityId)).toEqual([shown[2]]);
  });

  it('refuses a bulk order by hasEmail that does not begin at the first row', async () => {
    const body = {
      selection: { mode: 'bulk', startIndex: 1, targetCount: 2, filters: { contact: { hasEmail: true } } },
      field: 'emails',
    };
    const answer = await api.call<ErrorBody>('POST', '/api/v1/operations/enrichment/bulk', {
      key: tenant.apiKey,
      body,
    });
    expect(answer.status).toBe(400);
    expect(answer.json.error.details[0]?.path).toBe('selection.startIndex');
  });
});

describe('filters in SQL', () => {
  it('mean what they mean to a plain evaluator, over 300 leads and 300 filters', async () => {
    const api = await startTestApi();
    try {
      const random = seededRandom(20_26);
      const leads = Array.from({ length: 300 }, (_, index) => generateLead(random, index));
      await importAll(api, null, leads);
      const { orgId } = await seedTenant(api.knex);
      const rows = await query<{ id: string; url: string }>(
        api.knex,
        'SELECT id, linkedin_url AS url FROM people',
      );
      const urlOf = new Map(rows.map(({ id, url }) => [id, url]));
      let matched = 0;
      for (let i = 0; i < 300; i++) {
        const filters = generateFilters(random);
        const ids = await selectLeads(api.knex, {
          orgId,
          filters,
          startIndex: 0,
          targetCount: 1_000,
          excludedIds: [],
        });
        const expected = leads.filter((lead) => isMatch(lead, filters)).map((lead) => lead.linkedinUrl);
        expect({ filters, found: ids.map((id) => urlOf.get(id)) }).toEqual({ filters, found: expected });
        const counted = await countLeads(api.knex, { orgId, filters });
        expect({ filters, counted }).toEqual({ filters, counted: expected.length });
        if (expected.length > 0 && expected.length < leads.length) matched++;
      }
      expect(matched).toBeGreaterThan(100);
    } finally {
      await api.close();
    }
  });
});
