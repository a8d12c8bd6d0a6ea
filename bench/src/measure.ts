import type { Measure } from './group';
import type { Ratio } from './statistics';

interface Labels {
  name: string;
  unit: string;
  note?: string | undefined;
}

/** A value that is to stay at or below its target. */
export function atMost(labels: Labels, value: number, target: number): Measure {
  return measure(labels, value, { target: `≤ ${target}`, met: value <= target });
}

/** A value that is to reach its target. */
export function atLeast(labels: Labels, value: number, target: number): Measure {
  return measure(labels, value, { target: `≥ ${target}`, met: value >= target });
}

/** A value without a target: it tells what something costs. */
export function counted(labels: Labels, value: number): Measure {
  return measure(labels, value, { target: null, met: null });
}

/** How a ratio came about: both medians, then the lowest and highest ratio of any round. */
export function describeRatio({ measured, reference, low, high }: Ratio, unit: string, digits = 1): string {
  const number = (value: number): string => value.toFixed(digits);
  return `${number(measured)} to ${number(reference)} ${unit}; rounds ${low.toFixed(2)}–${high.toFixed(2)}`;
}

function measure(labels: Labels, value: number, verdict: Pick<Measure, 'target' | 'met'>): Measure {
  const { name, unit, note } = labels;
  const rounded = Number(value.toPrecision(value >= 1000 ? 6 : 4));
  return { name, value: rounded, unit, ...verdict, ...(note !== undefined && { note }) };
}
