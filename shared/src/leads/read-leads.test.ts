import { Readable } from 'node:stream';
import type { ReadRow } from './lead-row';
import { readCsv } from './read-csv';
import { readNdjson } from './read-ndjson';

async function csv(text: string | Buffer, pieceBytes = 7, ignored?: string[]): Promise<ReadRow[]> {
  return collect(
    readCsv(pieces(text, pieceBytes), { onIgnoredColumns: (headers) => ignored?.push(...headers) }),
  );
}

async function ndjson(text: string | Buffer, pieceBytes = 7): Promise<ReadRow[]> {
  return collect(readNdjson(pieces(text, pieceBytes)));
}

/** The text in small pieces, so that line breaks, quotes and characters fall between two. */
function pieces(text: string | Buffer, pieceBytes: number): Readable {
  const bytes = Buffer.from(text as string);
  const parts = [];
  for (let from = 0; from < bytes.length; from += pieceBytes)
    parts.push(bytes.subarray(from, from + pieceBytes));
  return Readable.from(parts);
}

async function collect(rows: AsyncIterable<ReadRow>): Promise<ReadRow[]> {
  const all = [];
  for await (const row of rows) all.push(row);
  return all;
}

describe('CSV', () => {
  it('reads a BOM, CRLF, quoted newlines and headers in any spelling', async () => {
    const text =
      '\uFEFFFirst Name,LAST_NAME,e-mail,Company Website,"Job Title",Skills,# Employees\r\n' +
      'Zoë,Müller,ZOE@Example.com,https://www.acme.com/about,"Head of\r\n""Sales""",sql; go|rust,"1,001-5,000"\r\n' +
      '\r\n' +
      'Bo,Li,bo@example.com,,,,10001+\r\n';
    const [first, second, ...others] = await csv(text);
    expect(first).toMatchObject({
      lead: {
        line: 2,
        firstName: 'Zoë',
        lastName: 'Müller',
        emails: ['zoe@example.com'],
        jobTitle: 'Head of "Sales"',
        skills: ['sql', 'go', 'rust'],
        company: { domain: 'acme.com', name: null, employeesMin: 1001, employeesMax: 5000 },
      },
    });
    expect(second).toMatchObject({
      lead: { line: 5, firstName: 'Bo', company: { domain: null, employeesMin: 10001, employeesMax: null } },
    });
    expect(others).toEqual([]);
  });

  it.each([
    [';', 'email;skills\na@b.co;x|y\n'],
    ['tab', 'email\tskills\na@b.co\tx;y\n'],
    ['comma', 'email,skills\ra@b.co,x;y\r'],
  ])('finds the delimiter %s by the header', async (_name, text) => {
    expect(await csv(text)).toMatchObject([{ lead: { emails: ['a@b.co'], skills: ['x', 'y'] } }]);
  });

  it('rejects a bad row with its line, its column and a remedy, and keeps the rows around it', async () => {
    const rows = await csv(
      'email,linkedin_url,company_size,first_name\n' +
        'a@b.co,,,\n' +
        'not an address,,,\n' +
        'c@d.co,https://www.linkedin.com/company/acme,,\n' +
        'e@f.co,,many,\n' +
        `g@h.co,,,${'x'.repeat(501)}\n` +
        ',,,Ann\n' +
        'i@j.co,,,\0\n' +
        'k@l.co,,,\n',
    );
    const rejections = rows.flatMap((row) => ('rejection' in row ? [row.rejection] : []));
    expect(rejections.map(({ line, column }) => [line, column])).toEqual([
      [3, 'email'],
      [4, 'linkedin_url'],
      [5, 'company_size'],
      [6, 'first_name'],
      [7, null],
      [8, 'first_name'],
    ]);
    expect(rejections[0]?.message).toBe(
      'email is not an e-mail address; write name@example.com or leave it blank.',
    );
    expect(rows.flatMap((row) => ('lead' in row ? row.lead.emails : []))).toEqual(['a@b.co', 'k@l.co']);
  });

  it('rejects what is broken in a file of UTF-8 instead of storing replacement characters', async () => {
    const broken = Buffer.concat([
      Buffer.from('email,first_name\na@b.co,Zoë\nb@b.co,'),
      Buffer.from('Zo\xeb\nc@b.co,Zo\x81\n', 'latin1'),
    ]);
    for (const pieceBytes of [7, 1000])
      expect(await csv(broken, pieceBytes)).toMatchObject([
        { lead: { firstName: 'Zoë' } },
        { rejection: { line: 3, column: 'first_name' } },
        { rejection: { line: 4, column: 'first_name' } },
      ]);
  });

  it('says where a quotation mark was left open', async () => {
    const text = 'email,first_name\na@b.co,Ann\n\nb@b.co,"Bo\nc@b.co,Cy\n';
    for (const pieceBytes of [7, 1000]) {
      expect(await csv(text, pieceBytes)).toMatchObject([{ lead: { line: 2 } }, { rejection: { line: 4 } }]);
    }
  });

  it('does not hold a file in memory whose quotation mark is never closed', async () => {
    const text = `email\na@b.co\n"b@b.co${'x\n'.repeat(500_000)}"\nc@b.co\n`;
    expect(await csv(text, 65536)).toMatchObject([{ lead: { line: 2 } }, { rejection: { line: 3 } }]);
  });

  it('refuses a file without a header of leads, and an empty one', async () => {
    await expect(csv('colour,size of shoe\nred,42\n')).rejects.toThrow(/header/);
    await expect(csv('')).rejects.toThrow(/empty/);
  });

  it('names the columns that it leaves out', async () => {
    const ignored: string[] = [];
    await csv('email,Shoe size,\na@b.co,42,x\n', 7, ignored);
    expect(ignored).toEqual(['Shoe size']);
  });

  it('passes on the error of a source that breaks', async () => {
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.from('email\na@b.co\n');
      await Promise.resolve();
      throw new Error('the disk is gone');
    }
    await expect(collect(readCsv(broken()))).rejects.toThrow('the disk is gone');
  });
});

describe('NDJSON', () => {
  it('reads the person fields of the API', async () => {
    const person = {
      id: 'ignored',
      firstName: 'Ann',
      lastName: 'Li',
      emails: ['A@B.co'],
      phones: ['+49 (0)30 123-4567'],
      linkedinUrl: 'linkedin.com/in/Ann-Li/',
      skills: ['go', 'sql'],
      company: { name: 'Acme', domain: 'acme.com', employeesMin: 51, employeesMax: 200, country: null },
    };
    expect(
      await ndjson(`\uFEFF${JSON.stringify(person)}\r\n\n{"email":"c@d.co","company":"Beta"}`),
    ).toMatchObject([
      {
        lead: {
          line: 1,
          firstName: 'Ann',
          emails: ['a@b.co'],
          phones: ['+49301234567'],
          linkedinUrl: 'https://www.linkedin.com/in/ann-li',
          skills: ['go', 'sql'],
          company: { name: 'Acme', domain: 'acme.com', employeesMin: 51, employeesMax: 200, country: null },
        },
      },
      { lead: { line: 3, emails: ['c@d.co'], company: { name: 'Beta' } } },
    ]);
  });

  it('tells once which properties name no field of a lead', async () => {
    const told: string[][] = [];
    const text = '{"email":"a@b.co","foo":1,"company":{"bar":2}}\n{"e-mail":"x","foo":1,"email":"c@d.co"}';
    await collect(
      readNdjson(Readable.from([Buffer.from(text)]), { onIgnoredColumns: (names) => told.push(names) }),
    );
    expect(told).toEqual([['foo', 'company.bar', 'e-mail']]);
  });

  it('rejects lines that are no person, with their number, and keeps the others', async () => {
    const rows = await ndjson(
      [
        '{"email":"a@b.co"}',
        '[1]',
        '{"email":',
        '{"email":{"x":1}}',
        '{"email":"b@b.co","company":{"size":true}}',
        '{"email":"b@b.co","firstName":"\\ud800"}',
        `{"email":"${'x'.repeat(300_000)}"}`,
        '{"constructor":"x","email":"z@b.co"}',
      ].join('\n'),
      4096,
    );
    const lines = rows.map((row) =>
      'lead' in row ? row.lead.line : [row.rejection.line, row.rejection.column],
    );
    expect(lines).toEqual([
      1,
      [2, null],
      [3, null],
      [4, 'email'],
      [5, 'company.size'],
      [6, 'firstName'],
      [7, null],
      8,
    ]);
  });
});
