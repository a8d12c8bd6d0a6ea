import { cpus, loadavg } from 'node:os';
import { textTable } from '@leadwell/cli/local/text-table';
import type { Measure } from './group';

/** The machine and what else it does, for whoever reads the numbers later. */
export function describeMachine(): string {
  const [first] = cpus();
  return `${cpus().length} cores (${first?.model.trim() ?? 'unknown'}), Node ${process.versions.node}, load ${describeLoad()}`;
}

/** The load average of the last minute. */
export function describeLoad(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

/** Measures as a table, each with what it is made of. */
export function describeMeasures(measures: readonly Measure[]): string {
  const rows = measures.map(({ name, value, unit, target, met, note }) => [
    name,
    String(value),
    unit,
    target ?? '',
    met === null ? '' : met ? 'met' : 'MISSED',
    note ?? '',
  ]);
  return textTable(['measure', 'value', 'unit', 'target', '', 'medians; spread of the rounds'], rows, 90);
}

/** One line that a program reads. */
export function jsonLine(measures: readonly Measure[]): string {
  return JSON.stringify({ measures });
}
