import { Readable } from 'node:stream';
import { query } from '../db/database';
import { hashQuestionForms } from '../domain/question';
import { insertOrganisation } from '../repositories/organisations-admin';
import { createTestDatabase, type TestDatabase } from '../testing/database';
import { importLeads, type ImportCounts, type Rejection } from './import-leads';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

type Person = Record<string, unknown>;

/** Imports people given as NDJSON objects. */
async function run(
  people: Person[],
  orgId: string | null = null,
  rejections: Rejection[] = [],
): Promise<ImportCounts> {
  const source = Readable.from([Buffer.from(people.map((person) => JSON.stringify(person)).join('\n'))]);
  return importLeads(database.knex, {
    orgId,
    source,
    format: 'ndjson',
    onRejected: (rejection) => rejections.push(rejection),
  });
}

function counts(part: Partial<ImportCounts>): ImportCounts {
  return { inserted: 0, updated: 0, unchanged: 0, rejected: 0, ...part };
}

/** As search sees it. */
const EMPLOYEES_MIN = '(SELECT employees_min FROM people_search s WHERE s.seq = people.seq) AS employees_min';

async function readPeople<Row = Record<string, unknown>>(columns: string): Promise<Row[]> {
  return query<Row>(database.knex, `SELECT ${columns} FROM people ORDER BY seq`);
}

const linkedin = (slug: string): string => `https://www.linkedin.com/in/${slug}`;

describe('a repeated import', () => {
  it('changes nothing, whatever the rows are known by', async () => {
    const people = [
      { fullName: 'Ann Li', linkedinUrl: linkedin('ann'), company: { name: 'Acme', domain: 'acme.com' } },
      { fullName: 'Bo Li', email: 'bo@acme.com', skills: ['go'] },
      { fullName: 'Cy Li', company: { name: 'Acme', domain: 'acme.com', size: '51-200' } },
      { fullName: 'Di Li', company: { name: 'Acme' } },
      { linkedinUrl: linkedin('nameless') },
    ];
    expect(await run(people)).toEqual(counts({ inserted: 5 }));
    const before = await readPeople('*');
    expect(await run(people)).toEqual(counts({ unchanged: 5 }));
    expect(await readPeople('*')).toEqual(before);
  });

  it('changes nothing over several chunks whose rows contradict each other about their company', async () => {
    const people = Array.from({ length: 2500 }, (_, i) => ({
      email: `p${i}@acme.com`,
      company: { name: i % 2 ? 'Acme' : 'ACME Inc', domain: 'acme.com', size: String(10 + (i % 7)) },
    }));
    expect(await run(people)).toEqual(counts({ inserted: 2500 }));
    expect(await run(people)).toEqual(counts({ unchanged: 2500 }));
    expect(await query(database.knex, 'SELECT DISTINCT company_name AS name FROM people')).toEqual([
      { name: 'ACME Inc' },
    ]);
  });
});

describe('merging', () => {
  it('fills blanks, takes later values, and never erases with a blank', async () => {
    await run([{ email: 'ann@acme.com', firstName: 'Ann', city: 'Berlin', jobTitle: 'CTO', skills: ['go'] }]);
    const later = {
      email: 'ann@acme.com',
      lastName: 'Li',
      city: '',
      jobTitle: 'CEO',
      skills: [],
      phone: '+4930123456',
    };
    expect(await run([later])).toEqual(counts({ updated: 1 }));
    expect(await readPeople('first_name, last_name, full_name, city, job_title, skills, phones')).toEqual([
      {
        first_name: 'Ann',
        last_name: 'Li',
        full_name: 'Ann Li',
        city: 'Berlin',
        job_title: 'CEO',
        skills: ['go'],
        phones: ['+4930123456'],
      },
    ]);
  });

  it('knows a person by every key that was ever given', async () => {
    await run([{ fullName: 'Ann Li', company: { name: 'Acme', domain: 'acme.com' } }]);
    await run([{ fullName: 'ANN LÍ', email: 'ann@acme.com', company: { name: 'acme' } }]);
    await run([{ email: 'Ann@Acme.com', linkedinUrl: linkedin('ann') }]);
    await run([{ linkedinUrl: 'http://de.linkedin.com/in/ANN?x=1', email: 'ann@home.org' }]);
    expect(await run([{ email: 'ann@home.org', jobTitle: 'CEO' }])).toEqual(counts({ updated: 1 }));
    expect(await readPeople('emails, job_title, linkedin_url, company_domain')).toEqual([
      {
        emails: ['ann@acme.com', 'ann@home.org'],
        job_title: 'CEO',
        linkedin_url: linkedin('ann'),
        company_domain: 'acme.com',
      },
    ]);
  });

  it('merges rows of one person inside a file, in order', async () => {
    const people = [
      { email: 'ann@acme.com', jobTitle: 'Engineer' },
      { email: 'ann@acme.com', linkedinUrl: linkedin('ann') },
      { linkedinUrl: linkedin('ann'), jobTitle: 'CTO' },
      { linkedinUrl: linkedin('ann') },
    ];
    expect(await run(people)).toEqual(counts({ inserted: 1, updated: 2, unchanged: 1 }));
    expect(await readPeople('job_title')).toEqual([{ job_title: 'CTO' }]);
    expect(await run(people)).toEqual(counts({ unchanged: 4 }));
  });

  it('keeps namesakes of one company apart where a LinkedIn profile or an address tells them apart', async () => {
    const company = { name: 'Acme', domain: 'acme.com' };
    const people = [
      { fullName: 'Ann Li', linkedinUrl: linkedin('ann1'), company },
      { fullName: 'Ann Li', linkedinUrl: linkedin('ann2'), email: 'ann2@acme.com', company },
      { fullName: 'Ann Li', email: 'ann3@acme.com', company },
    ];
    // The third may be the first: nothing tells them apart.
    expect(await run(people)).toEqual(counts({ inserted: 2, updated: 1 }));
    expect(await run(people)).toEqual(counts({ unchanged: 3 }));
    expect(await readPeople('linkedin_url, emails')).toEqual([
      { linkedin_url: linkedin('ann1'), emails: ['ann3@acme.com'] },
      { linkedin_url: linkedin('ann2'), emails: ['ann2@acme.com'] },
    ]);
  });

  it('rejects a row whose keys point to two leads, with its line and a reason', async () => {
    await run([
      { fullName: 'Ann Li', linkedinUrl: linkedin('ann') },
      { fullName: 'Bo Li', email: 'bo@acme.com', company: { name: 'Acme' } },
    ]);
    const rejections: Rejection[] = [];
    const result = await run(
      [
        { linkedinUrl: linkedin('ann'), email: 'bo@acme.com' },
        { linkedinUrl: linkedin('ann'), fullName: 'Bo Li', company: { name: 'Acme' } },
        { linkedinUrl: linkedin('ann'), city: 'Berlin' },
      ],
      null,
      rejections,
    );
    expect(result).toEqual(counts({ rejected: 2, updated: 1 }));
    expect(rejections.map(({ line }) => line)).toEqual([1, 2]);
    expect(rejections[0]?.message).toMatch(/two different leads.*e-mail address/);
    expect(await readPeople('emails, city')).toEqual([
      { emails: [], city: 'Berlin' },
      { emails: ['bo@acme.com'], city: null },
    ]);
  });

  it('moves a person to another company as a whole, without keeping the old domain', async () => {
    await run([{ email: 'ann@acme.com', company: { name: 'Acme', domain: 'acme.com', size: '10' } }]);
    await run([{ email: 'ann@acme.com', company: { name: 'Beta' } }]);
    expect(await readPeople(`company_name, company_domain, ${EMPLOYEES_MIN}`)).toEqual([
      { company_name: 'Beta', company_domain: null, employees_min: null },
    ]);
  });

  it('does not take the domain away from a company that is named without it', async () => {
    await run([{ email: 'ann@acme.com', company: { name: 'Acme', domain: 'acme.com' } }]);
    expect(await run([{ email: 'ann@acme.com', company: { name: 'ACME' } }])).toEqual(counts({ updated: 1 }));
    expect(await readPeople('company_domain')).toEqual([{ company_domain: 'acme.com' }]);
  });
});

describe('what is derived', () => {
  it('stores what the questions of a lead hash to', async () => {
    await run([{ fullName: 'Ann Li', email: 'a@acme.com', company: { name: 'Acme', domain: 'acme.com' } }]);
    const hashes = hashQuestionForms({
      firstName: 'Ann',
      lastName: 'Li',
      fullName: 'Ann Li',
      companyName: 'Acme',
      companyDomain: 'acme.com',
      linkedinUrl: null,
      email: 'a@acme.com',
    });
    expect(await readPeople('name_domain_hash, name_company_hash, linkedin_hash, email_hash')).toEqual([
      {
        name_domain_hash: hashes.name_domain,
        name_company_hash: hashes.name_company,
        linkedin_hash: null,
        email_hash: hashes.email,
      },
    ]);
  });

  it('brings the copies of every colleague up to date when a company changes', async () => {
    const company = { name: 'Acme', domain: 'acme.com' };
    const people = Array.from({ length: 1200 }, (_, i) => ({
      email: `p${i}@acme.com`,
      fullName: `P ${i}`,
      company,
    }));
    await run(people);
    await run([{ email: 'p7@acme.com', company: { domain: 'acme.com', name: 'Zenith', size: '51-200' } }]);
    const copies = await query(
      database.knex,
      `SELECT DISTINCT company_name, employees_max, words @@ '''c_zenith'' | ''k_zenith''' AS found
         FROM people p JOIN people_search s USING (seq)`,
    );
    expect(copies).toEqual([{ company_name: 'Zenith', employees_max: 200, found: true }]);
  });
});

describe('tenancy', () => {
  it('keeps an organisation’s import away from the directory and from other organisations', async () => {
    const [acme, beta] = [
      await insertOrganisation(database.knex, 'Acme'),
      await insertOrganisation(database.knex, 'Beta'),
    ];
    const company = { name: 'Corp', domain: 'corp.com' };
    await run([{ email: 'ann@corp.com', jobTitle: 'CTO', company: { ...company, industry: 'Steel' } }]);
    const directory = await readPeople('*');
    const theirs = { email: 'ann@corp.com', jobTitle: 'Spy', company: { ...company, industry: 'Secrets' } };
    expect(await run([theirs], acme)).toEqual(counts({ inserted: 1 }));
    expect(await run([theirs], beta)).toEqual(counts({ inserted: 1 }));
    expect(await query(database.knex, 'SELECT * FROM people WHERE org_id IS NULL')).toEqual(directory);
    expect(await query(database.knex, 'SELECT industry FROM companies WHERE org_id IS NULL')).toEqual([
      { industry: 'Steel' },
    ]);
    expect(await run([{ email: 'ann@corp.com', jobTitle: 'CEO' }])).toEqual(counts({ updated: 1 }));
    expect(await readPeople('org_id, job_title')).toEqual([
      { org_id: null, job_title: 'CEO' },
      { org_id: acme, job_title: 'Spy' },
      { org_id: beta, job_title: 'Spy' },
    ]);
  });

  it('refuses an unknown organisation before reading anything', async () => {
    const unknown = '0198c0de-0000-7000-8000-000000000000';
    await expect(run([{ email: 'a@b.co' }], unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('imports at once', () => {
  it('neither deadlock nor duplicate, also when they name the same people in opposite order', async () => {
    const people = Array.from({ length: 2200 }, (_, i) => ({
      email: `p${i}@c${i % 50}.com`,
      fullName: `P ${i}`,
      company: { name: `C ${i % 50}`, domain: `c${i % 50}.com` },
    }));
    const results = await Promise.all([run(people), run([...people].reverse()), run(people)]);
    const inserted = results.reduce((sum, result) => sum + result.inserted, 0);
    expect(inserted).toBe(people.length);
    expect(results.every((result) => result.rejected === 0)).toBe(true);
    expect(await readPeople('id')).toHaveLength(people.length);
    expect(await query(database.knex, 'SELECT id FROM companies')).toHaveLength(50);
  });

  it('give places in the search order in commit order, so that no search sees a lead appear before another', async () => {
    const files = [0, 1, 2].map((file) =>
      Array.from({ length: 1500 }, (_, i) => ({ email: `f${file}-${i}@acme.com` })),
    );
    let done = false;
    const seen: number[] = [];
    const watch = async (): Promise<void> => {
      while (!done) {
        const rows = await query<{ count: number; max: number }>(
          database.knex,
          'SELECT count(*) AS count, COALESCE(max(seq), 0) AS max FROM people',
        );
        // Places are dense: as many as the highest. A gap would be a lead that appears before one already shown.
        for (const { count, max } of rows) {
          expect(count).toBe(max);
          seen.push(count);
        }
      }
    };
    const watching = watch();
    await Promise.all(files.map((file) => run(file))).finally(() => (done = true));
    await watching;
    expect(seen.length).toBeGreaterThan(1);
    expect(await readPeople('seq')).toHaveLength(4500);
  });
});

describe('bad rows', () => {
  it('are reported, and a row that only the database refuses does not take its chunk along', async () => {
    await query(
      database.knex,
      `CREATE FUNCTION too_long() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF NEW.city = 'Longtown' THEN RAISE EXCEPTION 'too long' USING ERRCODE = '54000'; END IF; RETURN NEW; END $$`,
    );
    await query(
      database.knex,
      'CREATE TRIGGER too_long BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION too_long()',
    );
    const people = Array.from({ length: 50 }, (_, i) => ({
      email: `p${i}@b.co`,
      city: i === 33 ? 'Longtown' : 'Bonn',
    }));
    const rejections: Rejection[] = [];
    expect(await run(people, null, rejections)).toEqual(counts({ inserted: 49, rejected: 1 }));
    expect(rejections.map(({ line }) => line)).toEqual([34]);
  });

  it('hold no text, however strange, that breaks an index', async () => {
    const strange = [
      '\uFDFA'.repeat(500),
      '𝔘'.repeat(250),
      '漢'.repeat(500),
      `${'x'.repeat(499)}`,
      '!?',
      "a'b\\c:*&|",
    ];
    const people = strange.map((text, i) => ({
      email: `p${i}@b.co`,
      fullName: text,
      jobTitle: text,
      city: text,
      skills: [text],
      company: { name: text, industry: text },
    }));
    expect(await run(people)).toEqual(counts({ inserted: people.length }));
    expect(await run(people)).toEqual(counts({ unchanged: people.length }));
  });

  it('leave the chunks before a broken source imported', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('email\n');
      for (let i = 0; i < 2500; i++) yield Buffer.from(`p${i}@b.co\n`);
      await Promise.resolve();
      throw new Error('the connection is gone');
    }
    const importing = importLeads(database.knex, { orgId: null, source: broken(), format: 'csv' });
    await expect(importing).rejects.toThrow('the connection is gone');
    expect(await readPeople('id')).toHaveLength(2000);
  });
});
