import { guardProcess } from '@leadwell/shared/testing/guard';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const TEAR_DOWN = path.join(__dirname, '..', 'cli', 'dist', 'local', 'tear-down.js');
const SCRIPT = `
  const { runAndTearDown } = require(${JSON.stringify(TEAR_DOWN)});
  let end;
  const undo = async () => end(console.log('undone'));
  runAndTearDown((tearDown) => {
    tearDown.add('a step', undo);
    setImmediate(() => console.log('ready'));
    return new Promise((resolve) => (end = resolve, setInterval(() => {}, 1000)));
  }, () => 7);`;

// The last is what the processes of a terminal get when it is closed: a database of its own would be left behind.
it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('undoes what a command began on %s', async (signal) => {
  const child = spawn(process.execPath, ['-e', SCRIPT], { stdio: ['ignore', 'pipe', 'inherit'] });
  guardProcess(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (output === '') child.kill(signal);
    output += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  expect([code, output]).toEqual([7, expect.stringMatching(/undone\n$/)]);
});
