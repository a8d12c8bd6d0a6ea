/** The orders: drawn from the seed one after the other, sent at a steady pace, held back while enough is pending. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { query, type Knex } from '@leadwell/shared/db/database';
import { insertLeads, type Tenant } from '@leadwell/harness/seed';
import type { ChaosClient, OrderCall } from './chaos-client';
import type { Told } from './journal';
import type { Random } from './random';

const PENDING_AT_MOST = 800;
const PACE_MS = 300;
const SEEDED_AT_ONCE = 2_000;
/** How far back an order reaches: into leads that others ordered, and that are pending or ended. */
const OVERLAP = 150;

const ORDERS = {
  manual: 6,
  range: 4,
  batch: 4,
  person: 4,
  repeated: 3,
  overspent: 2,
  opposite: 2,
  shared: 3,
  cancelled: 2,
  retried: 2,
};

export interface LoadOptions {
  knex: Knex;
  client: ChaosClient;
  random: Random;
  seed: string;
  /** Two that can pay everything, and one that cannot. */
  tenants: { rich: readonly [Tenant, Tenant]; poor: Tenant };
}

export class Load {
  private readonly leadIds: string[] = [];
  private frontier = 0;
  private orders = 0;
  private lastTold: Told | undefined;
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(private readonly options: LoadOptions) {}

  /** Orders until `isOver`, then until every client has its answer. */
  async run(isOver: () => boolean): Promise<void> {
    const { knex, random } = this.options;
    while (!isOver()) {
      await this.seedAhead();
      if ((await countPending(knex)) < PENDING_AT_MOST) this.place(random.weighted(ORDERS));
      await delay(PACE_MS);
    }
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  private async seedAhead(): Promise<void> {
    if (this.frontier + 500 < this.leadIds.length) return;
    const next = Array.from({ length: SEEDED_AT_ONCE }, (_, n) =>
      idOf(this.options.seed, this.leadIds.length + n),
    );
    // PostgreSQL may be away; nothing of a statement that failed is there.
    await insertLeads(this.options.knex, next).then(
      () => this.leadIds.push(...next),
      () => undefined,
    );
  }

  private place(kind: keyof typeof ORDERS): void {
    const work = this.send(kind, this.options.random.pick(this.options.tenants.rich));
    this.underWay.add(work);
    void work.finally(() => this.underWay.delete(work)).catch(() => undefined);
  }

  private async send(kind: keyof typeof ORDERS, tenant: Tenant): Promise<void> {
    const { client, random, tenants } = this.options;
    const field = random.next() < 0.75 ? 'emails' : 'phones';
    const key = random.next() < 0.7 ? `chaos-${++this.orders}` : undefined;
    const ids = this.draw(random.between(2, 60));
    const manual = (leadIds: string[]): Pick<OrderCall, 'path' | 'body'> => ({
      path: '/bulk',
      body: { selection: { mode: 'manual', includedIds: leadIds }, field },
    });
    const range = {
      mode: 'bulk',
      startIndex: Math.max(0, this.frontier - 60),
      targetCount: ids.length,
      filters: {},
    };
    const all = (calls: OrderCall[]): Promise<unknown> =>
      Promise.all(calls.map((call) => client.order(call)));
    const order = { tenant, key, ...manual(ids) };
    if (kind === 'manual') this.lastTold = await client.order(order);
    else if (kind === 'range')
      await client.order({ tenant, key, path: '/bulk', body: { selection: range, field } });
    else if (kind === 'batch')
      await client.order({ tenant, key, path: '/batch', body: { personIds: ids, field } });
    else if (kind === 'person') await client.order({ tenant, key, path: `/${ids[0]}?field=${field}` });
    else if (kind === 'repeated')
      await all(Array<OrderCall>(5).fill({ ...order, key: `chaos-${++this.orders}` }));
    else if (kind === 'overspent')
      await all(ids.slice(0, 12).map((id) => ({ tenant: tenants.poor, ...manual([id]) })));
    else if (kind === 'opposite') await all([order, { tenant, ...manual([...ids].reverse()) }]);
    else if (kind === 'shared') await all(tenants.rich.map((one) => ({ tenant: one, ...manual(ids) })));
    else if (kind === 'cancelled') await client.order(order).then((told) => told && client.cancel(told));
    else if (this.lastTold) {
      const { orgId, apiKey, requestId } = this.lastTold;
      await client.order({
        tenant: { orgId, apiKey, keyId: '' },
        path: `/requests/${requestId}/retry`,
        body: {},
      });
    }
  }

  /** Leads around the frontier, which moves on by as many. */
  private draw(count: number): string[] {
    const from = Math.max(0, this.frontier - OVERLAP);
    const ids = this.options.random.sample(this.leadIds.slice(from, this.frontier + count + 20), count);
    this.frontier += Math.ceil(count / 2);
    return ids;
  }
}

/** A UUID v7 that follows from seed and place. */
function idOf(seed: string, place: number): string {
  const hash = createHash('sha256').update(`${seed} lead ${place}`).digest('hex');
  const order = (0x1900000000 + place).toString(16).padStart(12, '0');
  return `${order.slice(0, 8)}-${order.slice(8)}-7${hash.slice(0, 3)}-8${hash.slice(3, 6)}-${hash.slice(6, 18)}`;
}

/** Enrichments that are still pending; infinitely many where PostgreSQL cannot be asked. */
export async function countPending(knex: Knex): Promise<number> {
  const counting = query<{ count: number }>(
    knex,
    `SELECT count(*) FROM enrichments WHERE status = 'pending'`,
  );
  return counting.then(
    ([row]) => row?.count ?? 0,
    () => Number.POSITIVE_INFINITY,
  );
}
