import { execute, query, type Db } from '../db/database';

/** Gives all places of a process back. For a process that has no call in flight. */
export async function deleteProviderSlots(db: Db, holderId: string): Promise<void> {
  await execute(db, `DELETE FROM provider_slots WHERE holder = :holderId`, { holderId });
}

/** The places that all processes together hold under a provider's concurrency, as last told. */
export async function countProviderPlaces(db: Db, account: string): Promise<number> {
  const [row] = await query<{ places: number }>(
    db,
    `SELECT coalesce(sum(places), 0)::integer AS places FROM provider_slots
      WHERE account = :account AND expires_at > clock_timestamp()`,
    { account },
  );
  return row?.places ?? 0;
}
