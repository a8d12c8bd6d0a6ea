import { setFlagsFromString } from 'node:v8';

/**
 * How much the old generation may grow beyond what lived in it when it was last collected, before it is again. With 4 GB of memory or more,
 * V8 says up to 300 %, with less up to 100 %.
 */
const GROWING_PERCENT = 100;

/**
 * For processes that serve for days: what waits for its statements comes into the old generation, and is garbage a moment later. Of an API's
 * 120 MB there, 26 lived; a collection takes 10 ms, and comes every six seconds under a flood of orders, no more often than before.
 * Called as the process starts. Not on the command line: whoever starts the file has it. V8 reads it at each collection.
 */
export function limitHeapGrowth(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
}
