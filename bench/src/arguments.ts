import { parseArgs } from 'node:util';

/** `small` shows in seconds that everything measures; only `full` gives numbers to be kept. */
export type Size = 'small' | 'full';

export interface BenchArguments {
  /** Names of groups; empty: all. */
  only: readonly string[];
  size: Size;
  json: boolean;
  /** What the group `scale` loads at full size. */
  enrichments: number;
}

const ENRICHMENTS = 10_000_000;

export const USAGE =
  'npm run bench -- [--only GROUP]… [--size small|full] [--enrichments N] [--json]\n' +
  '  --only   runs this group alone; may be repeated\n' +
  '  --size   full by default; small checks in seconds that every group measures, and its numbers mean nothing\n' +
  '  --enrichments  how many the group scale loads; 10,000,000 by default, which takes some minutes and 15 GB of disk\n' +
  '  --json   prints { measures: [{ name, value, unit, target, met }] } on the last line';

/** Reads the command line. Throws, with what there is, where something is unknown. */
export function readArguments(args: readonly string[], groups: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      size: { type: 'string', default: 'full' },
      enrichments: { type: 'string', default: String(ENRICHMENTS) },
      json: { type: 'boolean', default: false },
    },
  });
  const { only, size, json } = values;
  const unknown = only.find((name) => !groups.includes(name));
  if (unknown !== undefined)
    throw new Error(`There is no group "${unknown}". There are: ${groups.join(', ')}.`);
  if (size !== 'small' && size !== 'full') throw new Error(`--size is small or full, not "${size}".`);
  const enrichments = Number(values.enrichments);
  if (!Number.isInteger(enrichments / 100) || enrichments < 100_000)
    throw new Error(`--enrichments is a multiple of 100 from 100,000 on, not "${values.enrichments}".`);
  return { only, size, json, enrichments };
}
