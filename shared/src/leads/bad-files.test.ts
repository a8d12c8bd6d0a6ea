/** Files that are no list of leads, or only half of one: each says what to do. */
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ReadRow } from './lead-row';
import { readCsv } from './read-csv';
import { readNdjson } from './read-ndjson';

async function collect(rows: AsyncIterable<ReadRow>): Promise<ReadRow[]> {
  const all: ReadRow[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

const formatWords = { csv: '--format csv', ndjson: '--format ndjson' };

function csv(content: string | Buffer): Promise<ReadRow[]> {
  return collect(readCsv(Readable.from([Buffer.from(content as string)]), { formatWords }));
}

function ndjson(content: string | Buffer): Promise<ReadRow[]> {
  return collect(readNdjson(Readable.from([Buffer.from(content as string)]), { formatWords }));
}

const bytes = (hex: string): Buffer => Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(600, 'x\u0001')]);

describe('a file that is none of leads is refused with what to do', () => {
  it.each<[string, string | Buffer, RegExp]>([
    ['an Excel workbook', bytes('504b0304140006000800'), /\.xlsx.*save the sheet as "CSV UTF-8"/],
    ['an old Excel workbook', bytes('d0cf11e0a1b11ae1'), /\.xls.*CSV UTF-8/],
    ['a PDF', Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1'), /PDF; export the leads as CSV/],
    ['gzip', bytes('1f8b0800'), /gunzip/],
    ['a picture', bytes('89504e470d0a1a0a0000000d49484452'), /picture/],
    ['a program', Buffer.alloc(9000, 0), /binary/],
    ['UTF-32', bytes('fffe000065000000'), /UTF-32; save it as UTF-8/],
    ['a web page named .xls', '<html><table><tr><td>Email</td></tr></table>', /web page.*CSV UTF-8/],
    ['a JSON object a line', '{"email":"a@b.co"}\n{"email":"b@b.co"}\n', /--format ndjson/],
    ['a JSON array', '[\n  {"email":"a@b.co"}]', /JSON array.*jq -c/],
    ['nothing', '', /empty/],
    ['blank lines', '\n\n \n', /empty/],
    ['a header only', 'email,first_name\r\n', /no rows below/],
    ['a header without a break', 'email,first_name', /no rows below/],
    ['columns that mean nothing', 'colour;shoe\nred;42\n', /begin the file with a header/],
    ['columns that tell nobody apart', 'first_name,city\nAnn,Berlin\n', /tell nobody from another/],
    ['one endless line', 'x,'.repeat(100_000), /never ends/],
  ])('%s', async (_what, content, message) => {
    await expect(csv(content)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    await expect(csv(content)).rejects.toThrow(message);
  });

  it.each<[string, string | Buffer, RegExp]>([
    ['CSV', 'email,first_name\na@b.co,Ann\n', /--format csv/],
    ['a JSON array', ' [{"email":"a@b.co"}]', /one object a line/],
    ['an Excel workbook', bytes('504b0304140006000800'), /\.xlsx/],
    ['nothing', '\n', /empty/],
  ])('%s given as NDJSON', async (_what, content, message) => {
    await expect(ndjson(content)).rejects.toThrow(message);
  });
});

describe('a file that is cut off', () => {
  const lines = (rows: ReadRow[]): (number | [number, boolean])[] =>
    rows.map((row) =>
      'lead' in row ? row.lead.line : [row.rejection.line, row.rejection.isRestUnread ?? false],
    );

  it('keeps the rows before an open quotation mark, and says that the rest was not read', async () => {
    expect(lines(await csv('email,name\na@b.co,Ann\nb@b.co,"Bo\nc@b.co,Cy\n'))).toEqual([2, [3, true]]);
  });

  it('rejects a last row that ends early, but not where all rows leave out blank cells', async () => {
    expect(lines(await csv('email,name,city\na@b.co,Ann,Bonn\nb@b.c'))).toEqual([2, [3, false]]);
    expect(lines(await csv('email,name,city\na@b.co,Ann\nb@b.co'))).toEqual([2, 3]);
    expect(lines(await csv('email,name,city\na@b.co,Ann,Bonn\nb@b.co,Bo,Ulm'))).toEqual([2, 3]);
  });

  it('is not taken for Windows-1252 where it ends within a character of UTF-8', async () => {
    const whole = Buffer.from('email,name,city\na@b.co,Zoë,Bonn\nc@b.co,Jörg,Ä');
    const [, last] = await csv(whole.subarray(0, -1));
    expect(last).toMatchObject({ rejection: { line: 3 } });
    expect(await csv(whole)).toMatchObject([{}, { lead: { fullName: 'Jörg' } }]);
  });

  it('rejects a row with more values than columns instead of shifting them', async () => {
    expect(lines(await csv('company,email,city\nAcme, Inc,a@b.co,Bonn\nAcme,b@b.co,Bonn,,\n'))).toEqual([
      [2, false],
      3,
    ]);
  });
});

describe('a cell', () => {
  it('with a formula is read where that is certain, and otherwise named', async () => {
    const rows = await csv(
      'email,phone,job title,linkedin\n' +
        'a@b.co,+49 30 123456,"=""CTO""","=HYPERLINK(""https://linkedin.com/in/ann"",""Ann"")"\n' +
        '"=HYPERLINK(""mailto:b@b.co"")",=+49-30-123456,"=HYPERLINK(""https://x.co"";""CEO"")",\n' +
        "c@b.co,,=cmd|' /C calc'!A0,\n" +
        'd@b.co,\0,,\n',
    );
    expect(rows).toMatchObject([
      { lead: { phones: ['+4930123456'], jobTitle: 'CTO', linkedinUrl: 'https://www.linkedin.com/in/ann' } },
      { lead: { emails: ['b@b.co'], phones: ['+4930123456'], jobTitle: 'CEO' } },
      { rejection: { line: 4, column: 'job title', message: expect.stringMatching(/formula/) as string } },
      { rejection: { line: 5, column: 'phone', message: expect.stringMatching(/NUL/) as string } },
    ]);
  });

  it('in Windows-1252 is read line by line, also across pieces', async () => {
    const text = Buffer.from(`email,name\n${'a@b.co,Zo\xeb \x80\x93\n'.repeat(500)}`, 'latin1');
    for (const pieceBytes of [3, 100]) {
      const pieces = Array.from({ length: Math.ceil(text.length / pieceBytes) }, (_, i) =>
        text.subarray(i * pieceBytes, (i + 1) * pieceBytes),
      );
      const rows = await collect(readCsv(Readable.from(pieces)));
      expect(new Set(rows.map((row) => ('lead' in row ? row.lead.fullName : null)))).toEqual(
        new Set(['Zoë €“']),
      );
    }
  });
});

it('reads 60,000 rows without keeping them', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heapMb = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed / 1e6;
  };
  function* pieces(): Generator<Buffer> {
    yield Buffer.from('email,first_name,company,company_domain,phone\n');
    for (let i = 0; i < 60; i++) {
      const rows = Array.from(
        { length: 1000 },
        (_, j) => `p${i}-${j}@b.co,"Zoë ""${j}""",Acme ${i},a${i}.co,+49 30 ${100000 + j}\n`,
      );
      yield Buffer.from(rows.join(''));
    }
  }
  let count = 0;
  let baseMb = 0;
  let mostMb = 0;
  for await (const row of readCsv(Readable.from(pieces()))) {
    if ('lead' in row) count++;
    if (count === 10_000) baseMb = heapMb();
    if (count % 20_000 === 0) mostMb = Math.max(mostMb, heapMb());
  }
  expect(count).toBe(60_000);
  expect(baseMb).toBeGreaterThan(0);
  expect(mostMb - baseMb).toBeLessThan(10);
});
