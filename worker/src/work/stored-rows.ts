import type { Knex } from '@leadwell/shared/db/database';
import {
  listAttemptsOfBatches,
  listPendingRows,
  type BatchOfOrganisation,
  type PendingRow,
  type StoredAttempt,
} from '@leadwell/shared/repositories/leases';
import { combine } from './combine';

/** What is stored of a leased batch. */
export interface StoredRows {
  /** In id order. */
  pending: PendingRow[];
  /** What earlier workers left at them, by enrichment; a row without any is left out. */
  attempts: ReadonlyMap<string, readonly StoredAttempt[]>;
}

export type ReadStoredRows = (batch: BatchOfOrganisation) => Promise<StoredRows>;

/** Reads what is stored of batches; of those that are leased at the same time together. A batch that cannot be read fails alone. */
export function createRowReader(knex: Knex): ReadStoredRows {
  return combine({
    concurrency: 2,
    sizeAtMost: 16,
    async run(batches: BatchOfOrganisation[]) {
      const [pending, attempts] = await Promise.all([
        listPendingRows(knex, batches),
        listAttemptsOfBatches(knex, batches),
      ]);
      const pendingOf = groupBy(pending, ({ batchId }) => batchId);
      const attemptsOf = groupBy(attempts, ({ enrichmentId }) => enrichmentId);
      return batches.map(({ id }) => ({ pending: pendingOf.get(id) ?? [], attempts: attemptsOf }));
    },
  });
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
