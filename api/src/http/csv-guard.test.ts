import { guardCell } from './csv-guard';

describe('CSV cells', () => {
  it.each(['=1+1', '+1+cmd|x', '-2+3', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1', '＋1', '－1', '＠A'])(
    'are guarded where a spreadsheet would run them: %j',
    (cell) => expect(guardCell(cell)).toBe(`'${cell}`),
  );

  it.each(['Ada', 'a=b', 'ada@engine.example', '+4930123456', '', null, 0.5])(
    'stay as they are otherwise: %j',
    (cell) => expect(guardCell(cell)).toBe(cell),
  );
});
