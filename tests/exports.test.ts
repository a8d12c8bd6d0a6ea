/** Files as other tools export them, with the dirt that they hold: fixtures/exports. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { query } from '@leadwell/shared/db/database';
import { importLeads, type ImportCounts, type Rejection } from '@leadwell/shared/leads/import-leads';
import { insertOrganisation } from '@leadwell/shared/repositories/organisations-admin';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';

let database: TestDatabase;
let orgId: string;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  orgId = await insertOrganisation(database.knex, 'Acme');
});

interface Outcome {
  counts: ImportCounts;
  rejections: Rejection[];
  ignored: string[];
  notes: string[];
}

async function importBytes(bytes: Buffer, pieceBytes = 1000): Promise<Outcome> {
  const outcome: Omit<Outcome, 'counts'> = { rejections: [], ignored: [], notes: [] };
  const pieces: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += pieceBytes)
    pieces.push(bytes.subarray(from, from + pieceBytes));
  const counts = await importLeads(database.knex, {
    orgId,
    source: Readable.from(pieces),
    format: 'csv',
    onRejected: (rejection) => outcome.rejections.push(rejection),
    onIgnoredColumns: (headers) => outcome.ignored.push(...headers),
    onNote: (sentence) => outcome.notes.push(sentence),
  });
  return { counts, ...outcome };
}

function fixture(name: string): Buffer {
  return readFileSync(path.join(__dirname, 'fixtures', 'exports', name));
}

type Lead = Record<string, unknown>;

async function readLeads(): Promise<Lead[]> {
  return query(
    database.knex,
    `SELECT p.first_name, p.last_name, p.full_name, p.job_title, p.seniority, p.city, p.country, p.linkedin_url, p.emails,
       p.phones, p.departments, p.previous_companies, p.company_name, p.company_domain, s.employees_min, s.employees_max,
       c.industry AS company_industry, c.city AS company_city, c.country AS company_country, c.linkedin_url AS company_linkedin
     FROM people p JOIN people_search s USING (seq) LEFT JOIN companies c ON c.id = p.company_id WHERE p.org_id = ? ORDER BY seq`,
    [orgId],
  );
}

interface Expected {
  file: string;
  counts: Partial<ImportCounts>;
  /** Line and column of each. */
  rejected: [number, string | null][];
  ignored: string[];
  notes: RegExp[];
  leads: Lead[];
}

const EXPORTS: Record<string, Expected> = {
  'LinkedIn connections, below their notes': {
    file: 'linkedin-connections.csv',
    counts: { inserted: 4, rejected: 1 },
    rejected: [[10, null]],
    ignored: ['Connected On'],
    notes: [/LinkedIn connections/],
    leads: [
      {
        full_name: 'Priya Raman',
        linkedin_url: 'https://www.linkedin.com/in/priya-raman-1a2b3c',
        emails: [],
        company_name: 'Northwind Traders, Inc.',
        company_domain: null,
        job_title: 'Technical Recruiter',
      },
      {
        first_name: 'Seán',
        last_name: 'Ó Briain',
        linkedin_url: 'https://www.linkedin.com/in/seán-ó-briain',
        emails: ['sean@tundrafoods.example'],
        job_title: 'Head of "Special" Projects',
      },
      { full_name: '', linkedin_url: 'https://www.linkedin.com/in/nameless-77' },
      { full_name: 'Rahul Verma', linkedin_url: null, company_name: 'Quarry Analytics' },
    ],
  },
  'HubSpot contacts': {
    file: 'hubspot-contacts.csv',
    counts: { inserted: 2, unchanged: 1, rejected: 2 },
    rejected: [
      [5, null],
      [7, 'Email'],
    ],
    ignored: [
      ...['Record ID', 'Contact owner', 'Lead Status', 'Lifecycle Stage', 'Associated Company IDs'],
      ...['State/Region', 'Create Date', 'Marketing contact status'],
    ],
    notes: [/HubSpot contacts/],
    leads: [
      {
        full_name: 'Ann Li',
        emails: ['ann@acme.example', 'ann.li@home.example', 'al@acme.example'],
        phones: ['+49301234567'],
        job_title: 'CTO',
        city: 'Berlin',
        country: 'Germany',
        linkedin_url: 'https://www.linkedin.com/in/ann-li-acme',
        company_name: 'Acme GmbH',
        company_domain: 'acme.example',
        company_industry: 'COMPUTER_SOFTWARE',
        employees_min: 51,
        employees_max: 51,
      },
      {
        full_name: "Bo O'Neil",
        emails: ['bo@beta.example'],
        phones: ['0305550199 x12', '+14155550100'],
        job_title: 'Head of Sales',
        company_name: 'Beta Ltd',
        company_domain: null,
      },
    ],
  },
  'a Salesforce report in Windows-1252 with its footer': {
    file: 'salesforce-report.csv',
    counts: { inserted: 3 },
    rejected: [],
    ignored: [
      ...['Lead Owner', 'Rating', 'Street', 'State/Province', 'Zip/Postal Code', 'Lead Source', 'Lead ID'],
    ],
    notes: [/Windows-1252/, /Salesforce/],
    leads: [
      {
        full_name: 'Zoë Müller',
        job_title: 'Geschäftsführerin',
        company_name: 'Straße & Söhne KG',
        company_domain: 'strasse.example',
        phones: ['4155550100 x12'],
        city: 'Köln',
        employees_min: 1200,
      },
      { last_name: 'Nobody', company_name: null, emails: ['nobody@example.example'] },
      { full_name: 'Ed Dup', phones: ['+491715550100'], company_domain: 'strasse.example' },
    ],
  },
  'Apollo.io people': {
    file: 'apollo-people.csv',
    counts: { inserted: 2, unchanged: 1 },
    rejected: [],
    ignored: [
      ...['Email Status', 'Primary Email Source', 'Contact Owner', 'Corporate Phone', 'Stage', 'Keywords'],
      ...['Facebook Url', 'Twitter Url', 'State', 'Company Address', 'Company State', 'Company Phone'],
      ...['Technologies', 'Annual Revenue', 'Apollo Contact Id'],
    ],
    notes: [/Apollo\.io people/],
    leads: [
      {
        full_name: 'Jane Doe',
        job_title: 'Founder, CEO',
        seniority: 'Founder',
        departments: ['C-Suite', 'Engineering & Technical'],
        emails: ['jane@acme-corp.example', 'jane@home.example'],
        phones: ['+14155550100', '+14155550101'],
        linkedin_url: 'https://www.linkedin.com/in/jane-doe-acme',
        city: 'San Francisco',
        country: 'United States',
        company_name: 'Acme Corp',
        company_domain: 'acme-corp.example',
        company_industry: 'computer software',
        company_city: 'San Francisco',
        company_linkedin: 'http://www.linkedin.com/company/acme-corp',
        employees_max: 120,
      },
      {
        full_name: 'Raj Patel',
        emails: [],
        company_name: 'Beta Freight',
        company_domain: 'betafreight.example',
      },
    ],
  },
  'a Sales Navigator search': {
    file: 'sales-navigator.csv',
    counts: { inserted: 2, rejected: 1 },
    rejected: [[5, null]],
    ignored: [
      ...['companyId', 'companyUrl', 'summary', 'titleDescription', 'companyLocation', 'location'],
      ...['durationInRole', 'durationInCompany', 'connectionDegree', 'profileImageUrl', 'vmid', 'isPremium'],
      ...['query', 'timestamp'],
    ],
    notes: [/Sales Navigator/],
    leads: [
      {
        full_name: 'Emre Işık',
        job_title: 'Senior Controller',
        linkedin_url: 'https://www.linkedin.com/in/emre-isik',
        company_name: 'Ember Analytics',
        company_domain: null,
        company_industry: 'Banking',
        company_linkedin: 'https://www.linkedin.com/company/4711',
        previous_companies: ['Quarry Analytics'],
      },
      { full_name: 'Mai Hoàng', linkedin_url: null, company_name: 'Saffron Energy' },
    ],
  },
  'Pipedrive people': {
    file: 'pipedrive-people.csv',
    counts: { inserted: 2, rejected: 1 },
    rejected: [[4, 'Person - Phone - Work']],
    ignored: ['Person - Label', 'Person - Owner', 'Person - ID', 'Person - Next activity date'],
    notes: [/Pipedrive people/],
    leads: [
      {
        full_name: 'Paola Ávila',
        emails: ['paola@saffron.example', 'p.avila@saffron.example', 'paola@home.example'],
        phones: ['+529991234567', '+5219997654321', '+5219997654322'],
        linkedin_url: 'https://www.linkedin.com/in/paola-avila',
        company_name: 'Saffron Energy',
        company_domain: 'saffron.example',
      },
      { full_name: 'Acme Sales', emails: ['sales@acme.example'], company_name: null },
    ],
  },
  'a German Excel sheet with sep=; and formula cells': {
    file: 'excel-sheet.csv',
    counts: { inserted: 2, rejected: 2 },
    rejected: [
      [4, 'Telefon'],
      [5, 'Position'],
    ],
    ignored: ['Notiz'],
    notes: [/Windows-1252/],
    leads: [
      {
        full_name: 'Jürgen Groß',
        company_name: 'Müller; Söhne',
        company_domain: 'xn--mller-kva.example',
        emails: ['juergen@mueller.example', 'jg@home.example'],
        phones: ['+4930123456', '+491715550100'],
        job_title: 'Leiter Einkauf',
        city: 'Nürnberg',
        country: 'Deutschland',
        linkedin_url: 'https://www.linkedin.com/in/juergen-gross',
      },
      { full_name: 'Eva Lang' },
    ],
  },
};

function counts(part: Partial<ImportCounts>): ImportCounts {
  return { inserted: 0, updated: 0, unchanged: 0, rejected: 0, ...part };
}

describe('an export of another tool', () => {
  it.each(Object.entries(EXPORTS))('is read whole: %s', async (_name, expected) => {
    const bytes = fixture(expected.file);
    const first = await importBytes(bytes);
    expect(first.counts).toEqual(counts(expected.counts));
    expect(first.rejections.map(({ line, column }) => [line, column])).toEqual(expected.rejected);
    expect(first.ignored.map((header) => header.trim())).toEqual(expected.ignored);
    expect(first.notes).toEqual(expected.notes.map((note) => expect.stringMatching(note) as string));
    const leads = await readLeads();
    expect(leads).toEqual(expected.leads.map((lead) => expect.objectContaining(lead) as Lead));

    const again = await importBytes(bytes, 61);
    const { inserted = 0, updated = 0, unchanged = 0, rejected = 0 } = expected.counts;
    expect(again.counts).toEqual(counts({ unchanged: inserted + updated + unchanged, rejected }));
    expect(await readLeads()).toEqual(leads);
  });

  it.each(['hubspot-contacts.csv', 'pipedrive-people.csv', 'linkedin-connections.csv'])(
    'is the same in UTF-16 of either order, with and without its mark: %s',
    async (file) => {
      const text = fixture(file)
        .toString('utf8')
        .replace(/^\uFEFF/, '');
      const littleEndian = Buffer.from(text, 'utf16le');
      const bigEndian = Buffer.from(littleEndian).swap16();
      const first = await importBytes(Buffer.from(text));
      const leads = await readLeads();
      const variants = [
        Buffer.concat([Buffer.from([0xff, 0xfe]), littleEndian]),
        littleEndian,
        Buffer.concat([Buffer.from([0xfe, 0xff]), bigEndian]),
        bigEndian,
      ];
      for (const variant of variants) {
        const again = await importBytes(variant, 777);
        expect(again.counts.unchanged).toBe(first.counts.inserted + first.counts.unchanged);
        expect(again.rejections).toEqual(first.rejections);
      }
      expect(await readLeads()).toEqual(leads);
    },
  );

  it.each([';', '\t', '|'])('is the same with the delimiter %j', async (delimiter) => {
    const text = `Name${delimiter}E-MAIL${delimiter}company_name\r\n"Ann ${delimiter} Li"${delimiter}a@b.co${delimiter}"Acme,\r\nInc"\r\n`;
    expect((await importBytes(Buffer.from(text))).counts).toEqual(counts({ inserted: 1 }));
    expect(await readLeads()).toMatchObject([
      { full_name: `Ann ${delimiter.trim()} Li`.replace('  ', ' '), company_name: 'Acme, Inc' },
    ]);
  });
});
