import { StatementReader } from './statement-reader';

function message(type: string, ...texts: string[]): Buffer {
  const content = Buffer.from(texts.map((text) => `${text}\0`).join(''));
  const head = Buffer.alloc(4);
  head.writeInt32BE(content.length + 4);
  return Buffer.concat([Buffer.from(type), head, content]);
}

/** Length, protocol version, then names and values. */
const STARTUP = Buffer.concat([
  Buffer.from([0, 0, 0, 38, 0, 3, 0, 0]),
  Buffer.from('application_name\0service\0user\0'.slice(0, 30)),
]);

function read(bytes: Buffer, pieces: number) {
  const statements: string[] = [];
  const reader = new StatementReader((text) => statements.push(text));
  const size = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length; at += size) reader.read(bytes.subarray(at, at + size));
  return { statements, applicationName: reader.applicationName };
}

describe('StatementReader', () => {
  const said = Buffer.concat([
    STARTUP,
    message('Q', 'BEGIN'),
    message('P', 'mine', 'SELECT 1', ''),
    message('P', '', 'SELECT 2', ''),
    message('B', '', 'mine'),
    message('D', 'P'),
    message('E', ''),
    message('S'),
    message('B', '', ''),
    message('E', ''),
  ]);

  it('tells what is executed, prepared or not, however the bytes are cut', () => {
    for (const pieces of [1, 7, said.length]) {
      expect(read(said, pieces)).toEqual({
        statements: ['BEGIN', 'SELECT 1', 'SELECT 2'],
        applicationName: 'service',
      });
    }
  });
});
