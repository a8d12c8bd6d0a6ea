import { findShapeFault } from './json-shape';

const faultOf = (text: string): string | null => findShapeFault(Buffer.from(text));

describe('the shape of a JSON text', () => {
  it('is bounded in depth, exactly', () => {
    expect(faultOf('['.repeat(32) + ']'.repeat(32))).toBeNull();
    expect(faultOf('['.repeat(33) + ']'.repeat(33))).toMatch(/deeper than 32/);
    expect(faultOf('[{},'.repeat(20) + '1')).toBeNull();
  });

  it('is bounded in parts and items, and in the fields of one object', () => {
    expect(faultOf(`[${'{"a":1},'.repeat(19_999)}1]`)).toBeNull();
    expect(faultOf(`[${'{"a":1},'.repeat(20_000)}1]`)).toMatch(/more than 20000 lists/);
    expect(faultOf(`[${'1,'.repeat(100_000)}1]`)).toBeNull();
    expect(faultOf(`[${'1,'.repeat(100_001)}1]`)).toMatch(/more than 100000 items/);
    expect(faultOf(`{"b":[{${'"a":1,'.repeat(200)}}],${'"a":1,'.repeat(199)}}`)).toBeNull();
    expect(faultOf(`{"b":[{"c":1}],${'"a":1,'.repeat(200)}}`)).toMatch(/more than 200 fields/);
  });

  it('counts nothing that stands in a string, however it is escaped', () => {
    const brackets = '[{:'.repeat(50_000);
    expect(faultOf(JSON.stringify({ text: brackets, [`"${brackets}\\`]: `\\"${brackets}` }))).toBeNull();
    expect(faultOf(`"\\\\"${'['.repeat(40)}`)).toMatch(/deeper/);
  });

  it('leaves cut and wrong texts to the parser', () => {
    for (const text of ['', '"', '"\\', ']', '}}}}', '{"a', '\\']) expect(faultOf(text)).toBeNull();
  });
});
