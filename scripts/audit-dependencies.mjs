/**
 * Asks the registry for known faults of what runs in production: exit code 1 where one is high or critical. Not every registry
 * answers the question (mirrors mostly do not); then nothing was audited, which is said, and is a failure with `--required`.
 */
import { spawnSync } from 'node:child_process';

const isRequired = process.argv.includes('--required');
const { stdout, stderr } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  encoding: 'utf8',
  maxBuffer: 64_000_000,
  timeout: 120_000,
  shell: process.platform === 'win32',
});
const found = readReport(stdout)?.metadata?.vulnerabilities;
process.exitCode = found ? tell(found) : tellNothingKnown();

function readReport(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function tell({ info, low, moderate, high, critical }) {
  const isBad = high + critical > 0;
  console.log(`Dependencies: ${critical} critical, ${high} high, ${moderate} moderate, ${low + info} lower.`);
  if (isBad) console.log('Run `npm audit --omit=dev` for their names, and update them.');
  return isBad ? 1 : 0;
}

function tellNothingKnown() {
  const reason = /^npm (?:warn|error).*audit.*$/im.exec(stderr ?? '')?.[0] ?? 'no answer';
  console.log(`Dependencies: NOT AUDITED, the registry does not answer (${reason}).`);
  return isRequired ? 1 : 0;
}
