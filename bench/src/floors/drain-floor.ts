/**
 * What draining costs at least: the provider calls by a keep-alive client, and then, of each batch, a settle that writes the
 * same rows as the service, one after the other on one connection. No claim before a call, no lease, no limit, no queue.
 */
import { newId } from '@leadwell/shared/domain/ids';
import type { Client } from 'pg';
import { PEOPLE_A_CALL, type Finding, type Person, type ProviderClient } from '../clients/provider-client';
import { timeMs } from '../rounds';
import { SETTLE } from './settle-sql';

export interface FloorBatch {
  id: string;
  orgId: string;
  rows: { enrichmentId: string; person: Person }[];
}

type Findings = ReadonlyMap<string, Finding>;

/** Milliseconds of both, by one client with 50 calls in flight and by one connection. */
export async function drainByHand(
  provider: 'hunter' | 'prospeo',
  client: Client,
  calls: ProviderClient,
  batches: readonly FloorBatch[],
): Promise<number> {
  const people = batches.flatMap(({ rows }) => rows.map(({ person }) => person));
  let findings: Findings = new Map();
  const callsMs = await timeMs(async () => {
    findings =
      provider === 'hunter' ? await askOneByOne(calls, people) : await askInLargeCalls(calls, people);
  });
  const settlesMs = await timeMs(async () => {
    for (const batch of batches) await settleByHand(provider, client, batch, findings);
  });
  return callsMs + settlesMs;
}

async function askOneByOne(calls: ProviderClient, people: readonly Person[]): Promise<Findings> {
  const found = await Promise.all(people.map((person) => calls.find('hunter', person)));
  return new Map(people.map(({ id }, index) => [id, found[index] as Finding]));
}

async function askInLargeCalls(calls: ProviderClient, people: readonly Person[]): Promise<Findings> {
  const groups = Array.from({ length: Math.ceil(people.length / PEOPLE_A_CALL) }, (_, index) =>
    people.slice(index * PEOPLE_A_CALL, (index + 1) * PEOPLE_A_CALL),
  );
  const found = await Promise.all(groups.map((group) => calls.findMany(group)));
  return new Map(found.flatMap((answers) => [...answers]));
}

async function settleByHand(
  provider: string,
  client: Client,
  { id, orgId, rows }: FloorBatch,
  findings: Findings,
): Promise<void> {
  const found = rows.map(({ person }) => findings.get(person.id));
  const values = [
    orgId,
    id,
    newId(),
    rows.map(({ enrichmentId }) => enrichmentId),
    rows.map(() => newId()),
    found.map((finding) => finding?.state ?? 'miss'),
    found.map((finding) => finding?.email ?? null),
    provider,
  ];
  const result = await client.query<{ ended: number }>({ ...SETTLE, values });
  if (result.rows[0]?.ended !== rows.length) throw new Error('The floor ended other rows than it was given.');
}
