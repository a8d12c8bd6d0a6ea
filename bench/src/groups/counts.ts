import { setTimeout as delay } from 'node:timers/promises';
import { ApiClient } from '../clients/api-client';
import type { Group } from '../group';
import { LeadSupply, loadLeads } from '../load/leads';
import { createTenants } from '../load/tenants';
import { atMost, counted } from '../measure';
import { startCountingProxy, type CountedConnection } from '../servers/counting-proxy';

const [FEW, MANY] = [1, 1000] as const;

export const countsGroup: Group = {
  name: 'counts',
  purpose: 'what the API asks of its database for an accepted request, counted on the wire',
  async run(context) {
    const orders = context.sized({ full: 20, small: 3 });
    const database = await context.createDatabase();
    const supply = new LeadSupply(await loadLeads(database, (orders + 1) * (FEW + MANY)));
    const proxy = await startCountingProxy(database.url);
    context.onEnd('counting proxy', () => proxy.close());
    // The relay's step after the commit is another's: without a due batch it asks nothing more.
    const deployment = await context.deploy({
      database: { ...database, url: proxy.url },
      backend: context.backends[0],
    });
    const [tenant] = await createTenants(database, 1);
    const api = new ApiClient(deployment.apiUrl, tenant?.apiKey ?? '');
    const count = async (leads: number): Promise<number> => {
      await api.enrich(supply.take(leads));
      await settled(proxy.connections);
      proxy.reset();
      for (let i = 0; i < orders; i++) await api.enrich(supply.take(leads));
      await settled(proxy.connections);
      return countAccepting(proxy.connections) / orders;
    };
    const [few, many] = [await count(FEW), await count(MANY)];
    api.close();
    const note = `${orders} requests of ${FEW} lead and of ${MANY}, authentication, BEGIN and COMMIT with them`;
    return [
      counted({ name: 'counts: statements of an accepted request', unit: 'statements', note }, many),
      atMost(
        { name: 'counts: statements of an accepted request, for each lead more', unit: 'statements', note },
        (many - few) / (MANY - FEW),
        0,
      ),
    ];
  },
};

/** Waits until the relay's steps, which come after the answers, have said what they say. */
async function settled(connections: readonly CountedConnection[]): Promise<void> {
  const total = (): number => connections.reduce((sum, { statements }) => sum + statements.length, 0);
  for (let before = -1; total() !== before;) {
    before = total();
    await delay(300);
  }
}

/** The authentications, and the statements of the transactions that write a request. */
function countAccepting(connections: readonly CountedConnection[]): number {
  return connections.reduce((sum, { statements }) => {
    const authentications = statements.filter((text) => text.includes('FROM api_keys')).length;
    return sum + authentications + countInTransactions(statements);
  }, 0);
}

function countInTransactions(statements: readonly string[]): number {
  let sum = 0;
  let transaction: string[] = [];
  for (const text of statements) {
    if (/^BEGIN\b/i.test(text)) transaction = [];
    transaction.push(text);
    const isEnd = /^(COMMIT|ROLLBACK)\b/i.test(text);
    if (isEnd && transaction.some((said) => said.includes('INSERT INTO requests'))) sum += transaction.length;
    if (isEnd) transaction = [];
  }
  return sum;
}
