/** What a benchmark is made of: groups, each of which measures one question and gives its measures. */
import type { BenchContext } from './context';

/** One number of the report, and whether it is what it should be. */
export interface Measure {
  /** `group: what`, unique in a run. */
  name: string;
  value: number;
  /** `×` for a ratio, else the unit of the value. */
  unit: string;
  /** As a person reads it: `≤ 1.5`. Null: counted, and reported only. */
  target: string | null;
  /** Null where there is no target. */
  met: boolean | null;
  /** What the value is made of: both medians and the spread of the rounds. */
  note?: string;
}

/** Measurements that share their servers and their load. */
export interface Group {
  /** As `--only` takes it. */
  name: string;
  /** One line: what is measured, against what. */
  purpose: string;
  /** Runs on servers and databases of its own, which the context ends afterwards. */
  run(context: BenchContext): Promise<Measure[]>;
}
