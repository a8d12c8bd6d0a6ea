/**
 * One statement deletes this many rows at most: its locks and its share of the log stay small, and a long neglected table does not run into
 * the statement timeout for ever.
 */
const ROWS_AT_MOST = 10_000;

/** Calls what deletes at most so many rows, and gives how many it did, until nothing is left. Gives how many in all. */
export async function deleteInPortions(deleteSome: (limit: number) => Promise<number>): Promise<number> {
  for (let total = 0; ;) {
    const deleted = await deleteSome(ROWS_AT_MOST);
    total += deleted;
    if (deleted < ROWS_AT_MOST) return total;
  }
}
