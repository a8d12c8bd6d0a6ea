/* eslint-disable no-console -- printing is what is tried here */
import { logConsole } from './log-console';
import type { Logger } from './logger';

describe('what libraries print', () => {
  const lines: unknown[][] = [];
  const at =
    (level: string) =>
    (...line: unknown[]) =>
      lines.push([level, ...line]);
  const logger = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, at(level)]));
  let undo: () => void;
  beforeEach(() => {
    lines.length = 0;
    undo = logConsole(logger as unknown as Logger);
  });
  afterEach(() => undo());

  it('is logged on one line, with its level, once', () => {
    for (let i = 0; i < 3; i++) console.warn('Redis is old\n   Current: 5.0');
    console.error('Redis is old\n   Current: 5.0');
    expect(lines).toEqual([
      ['warn', { printed: true }, 'Redis is old Current: 5.0'],
      ['error', { printed: true }, 'Redis is old Current: 5.0'],
    ]);
  });

  it('is logged without anything that is no text and no error', () => {
    const fault = new Error('gone');
    console.error(fault);
    console.log('job', { email: 'ada@engine.example' }, ['ada@engine.example']);
    expect(lines).toEqual([
      ['error', { err: fault, printed: true }, 'a library printed this'],
      ['info', { printed: true }, 'job'],
    ]);
  });

  it('is printed as before where that is undone', () => {
    const before = console.warn;
    undo();
    expect(console.warn).not.toBe(before);
    expect(lines).toEqual([]);
  });
});
