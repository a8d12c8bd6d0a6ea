import { guardCell } from './csv-guard';

describe('CSV cells', () => {
  it.each(['=1+1', '+1+cmd|x', '-2+3', '@SUM(A1)', '＝1', '＋1', '－1', '＠A'])(
    'are guarded where a spreadsheet would run them: %j',
    (cell) => expect(guardCell(cell)).toBe(`'${cell}`),
  );

  it.each([
    ['Ada;=1+1', "Ada;'=1+1"],
    ['=1; +2;-3', "'=1; '+2;'-3"],
    ['Ada\n=1', "Ada\n'=1"],
    ['\t=1', "'\t'=1"],
    ['\r@A', "'\r'@A"],
  ])('are guarded where another separator splits them: %j', (cell, guarded) =>
    expect(guardCell(cell)).toBe(guarded),
  );

  it.each(['Ada', 'a; b', 'Ada-Lee;Bob', 'a=b', 'ada@engine.example', '+4930123456', '', null, 0.5])(
    'stay as they are otherwise: %j',
    (cell) => expect(guardCell(cell)).toBe(cell),
  );
});
