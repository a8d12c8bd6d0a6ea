/** `providers`: what an operator is told of whom we ask, by the real command. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atEndpoint, type Provider } from '@leadwell/providers/provider';
import { loadWaterfall } from '@leadwell/providers/provider-settings';
import { loadConfig } from '@leadwell/shared/config/config';
import { execute } from '@leadwell/shared/db/database';
import { newId, SHARED_SCOPE } from '@leadwell/shared/domain/ids';
import { openBreaker } from '@leadwell/shared/repositories/provider-breakers';
import { bookProviderCalls } from '@leadwell/shared/repositories/provider-limits';
import { tellProviderLimit } from '@leadwell/shared/repositories/told-limits';
import { createTestDatabase, type TestDatabase } from '@leadwell/shared/testing/database';
import { seedAccepted, seedOrganisation } from '@leadwell/shared/testing/seed';
import { runCli } from './support/run-cli';

interface Report {
  since: string;
  orgId: string | null;
  fields: Record<string, unknown>[];
  accounts: Record<string, unknown>[];
}

let database: TestDatabase;
let env: NodeJS.ProcessEnv;
let [mine, theirs] = ['', ''];
beforeAll(async () => {
  database = await createTestDatabase();
  mine = await seedOrganisation(database.knex, 1_000);
  theirs = await seedOrganisation(database.knex, 1_000);
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'provider-report-')), 'providers.json');
  const limits = [
    { calls: 15, perSeconds: 1 },
    { calls: 500, perSeconds: 60 },
  ];
  writeFileSync(
    file,
    JSON.stringify({
      providers: { hunter: { limits, creditPrice: 0.05 }, apollo: {} },
      waterfall: { emails: ['hunter', 'leadmagic'], phones: ['leadmagic'] },
      budget: { emails: 1 },
    }),
  );
  env = {
    DATABASE_URL: database.url,
    PROVIDERS_FILE: file,
    HUNTER_API_KEY: 'secret-h',
    LEADMAGIC_API_KEY: 'secret-l',
    APOLLO_API_KEY: 'secret-a',
  };
});
afterAll(() => database.drop());

const report = async (...args: string[]): Promise<Report> => {
  const { code, stderr, json } = await runCli<Report>(['providers', ...args, '--json'], env);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return json;
};

interface Tried {
  provider: string;
  outcome: string | null;
  shared?: boolean;
  ms?: number;
  cost?: number;
  stated?: number;
  error?: string;
  ask?: number;
  lookupId?: string | null;
  hoursAgo?: number;
}

/** One enrichment for each of these attempts. */
async function seedAttempts(orgId: string, tried: readonly Tried[]): Promise<void> {
  const leadIds = tried.map(() => newId());
  const { enrichmentIds } = await seedAccepted(database.knex, { orgId, leadIds });
  for (const [i, one] of tried.entries())
    await execute(
      database.knex,
      `INSERT INTO attempts (enrichment_id, provider, lookup_id, ask, shared, outcome, error, duration_ms, provider_cost, stated_cost, started_at, ended_at)
       SELECT :id, :provider, :lookupId, :ask, :shared, CAST(:outcome AS text), :error, :ms, :cost, :stated, t.at, CASE WHEN CAST(:outcome AS text) IS NOT NULL THEN t.at END
         FROM (SELECT clock_timestamp() - make_interval(hours => :hoursAgo) AS at) t`,
      {
        id: enrichmentIds[i],
        provider: one.provider,
        lookupId: one.lookupId === undefined ? newId() : one.lookupId,
        ask: one.ask ?? 1,
        shared: one.shared ?? false,
        outcome: one.outcome,
        error: one.error ?? null,
        ms: one.ms ?? null,
        cost: one.cost ?? null,
        stated: one.stated ?? null,
        hoursAgo: one.hoursAgo ?? 0,
      },
    );
}

/** A question whose calls crashes made us repeat. */
async function seedRepeated(repeats: number): Promise<string> {
  const id = newId();
  await execute(
    database.knex,
    `INSERT INTO lookups (id, provider, base_url, field, input_hash, scope, state, ask, repeats, asked_at, expires_at)
     VALUES (?, 'hunter', 'http://x', 'emails', sha256(convert_to(?, 'UTF8')), ?, 'miss', ?, ?, clock_timestamp(), clock_timestamp())`,
    [id, id, SHARED_SCOPE, repeats + 1, repeats],
  );
  return id;
}

describe('what came of asking a provider', () => {
  beforeAll(async () => {
    const repeated = await seedRepeated(2);
    const hunter = (more: Omit<Tried, 'provider'>): Tried => ({ provider: 'hunter', ...more });
    await seedAttempts(mine, [
      hunter({ outcome: 'hit', ms: 100, cost: 1 }),
      hunter({ outcome: 'hit', ms: 200, cost: 1, stated: 3 }),
      hunter({ outcome: 'miss', ms: 300, cost: 0, ask: 3, lookupId: repeated }),
      hunter({ outcome: 'restricted', ms: 400 }),
      hunter({ outcome: 'failed', ms: 5_000, error: 'HTTP 503' }),
      hunter({ outcome: null, ask: 2, lookupId: repeated }),
      hunter({ outcome: 'hit', shared: true, lookupId: repeated }),
      hunter({ outcome: 'skipped', error: 'The limit of hunter is used up for 61 s.', lookupId: null }),
      hunter({ outcome: 'skipped', error: 'The limit of hunter is used up for 7 s.', lookupId: null }),
      hunter({ outcome: 'hit', ms: 100, cost: 1, hoursAgo: 30 }),
    ]);
    await seedAttempts(theirs, [hunter({ outcome: 'miss', ms: 100 })]);
  });

  it('is counted by question: rate, cost as stated, latency, repeats, and why not', async () => {
    const { fields, since, orgId } = await report('--org', mine);
    expect(orgId).toBe(mine);
    expect(Date.now() - Date.parse(since)).toBeGreaterThan(23 * 3_600_000);
    expect(fields[0]).toEqual({
      provider: 'hunter',
      field: 'emails',
      asked: 6,
      hits: 2,
      misses: 1,
      restricted: 1,
      failed: 1,
      awaited: 1,
      reused: 1,
      skipped: 2,
      credits: 4,
      unpriced: 0,
      p50Ms: 300,
      p95Ms: expect.closeTo(4_080) as number,
      repeats: 2,
      commonFault: 'The limit of hunter is used up for N s.',
      hitRate: 0.5,
      creditsPerHit: 2,
      costPerHit: expect.closeTo(0.1) as number,
    });
    expect(fields.slice(1)).toMatchObject([
      { provider: 'leadmagic', field: 'emails', asked: 0, hitRate: null, p95Ms: null },
      { provider: 'leadmagic', field: 'phones', asked: 0 },
    ]);
  });

  it('is that of the time and the organisations that are asked for', async () => {
    const { fields } = await report('--since', '2d');
    // A charge that nobody knows leaves the cost of a hit unknown.
    expect(fields[0]).toMatchObject({ asked: 8, hits: 3, misses: 2, unpriced: 1, creditsPerHit: null });
  });
});

describe('how a provider stands now', () => {
  let providers: readonly Provider[];
  const named = (name: string): Provider => providers.find((one) => one.name === name) as Provider;
  const book = (account: string, calls: number) =>
    bookProviderCalls(database.knex, {
      account,
      holderId: newId(),
      heldPlaces: 0,
      records: Array<number>(calls).fill(1),
      placedCount: 0,
      windows: [{ windowMs: 60_000, unit: 'calls', amount: 500 }],
      concurrent: 30,
      leadMs: 0,
      slackMs: 0,
      placeMs: 60_000,
      probeMs: 60_000,
    });

  beforeAll(async () => {
    providers = loadWaterfall(loadConfig(env), env).configured;
    const { account } = named('hunter');
    await book(account, 7);
    const told = { windowMs: 60_000, unit: 'calls' as const, amount: 100, remaining: null, resetMs: 0 };
    await tellProviderLimit(database.knex, { account, ...told });
    const closed = { kind: 'auth' as const, reason: 'HTTP 401', seconds: 60, secondsAtMost: 60 };
    const phones = atEndpoint(named('leadmagic'), 'mobile-finder');
    await openBreaker(database.knex, { account: phones.account, ...closed });
    await openBreaker(database.knex, { account: named('apollo').account, ...closed, seconds: -1 });
    await book('prospeo http://elsewhere 0123456789ab', 1);
  });

  it('is each window’s use, by what binds, and the breaker with its reason; endpoints apart', async () => {
    const { accounts } = await report();
    const of = (provider: string, endpoint: string | null = null) =>
      accounts.find((one) => one['provider'] === provider && one['endpoint'] === endpoint);
    expect(of('hunter')).toEqual({
      provider: 'hunter',
      endpoint: null,
      baseUrl: 'https://api.hunter.io',
      isConfigured: true,
      inFlight: 7,
      concurrent: 30,
      limits: [
        { unit: 'calls', perSeconds: 1, used: 0, configured: 15, told: null },
        { unit: 'calls', perSeconds: 60, used: 7, configured: 500, told: 100 },
      ],
      breaker: null,
    });
    expect(of('leadmagic', 'email-finder')).toMatchObject({ breaker: null });
    expect(of('leadmagic', 'mobile-finder')).toMatchObject({ breaker: { kind: 'auth', reason: 'HTTP 401' } });
    // Its time is over: the next call tries it.
    expect(of('apollo')).toMatchObject({ breaker: { kind: 'auth', remainingSeconds: 0 } });
    expect(of('apollo', 'webhook_result')).toMatchObject({ breaker: null, inFlight: 0 });
    expect(of('prospeo')).toMatchObject({ isConfigured: false, limits: [{ used: 1, configured: null }] });
  });

  it('is written for a person, without a key', async () => {
    const { stdout } = await runCli(['providers'], env);
    expect(stdout).toMatch(/^hunter +7 of 30 +15 calls in 1 s +0 \(0 %\) +asked$/m);
    expect(stdout).toMatch(/^ +100 calls in 60 s, as it told +7 \(7 %\)$/m);
    expect(stdout).toMatch(/^leadmagic +mobile-finder +0 of 50 .*not asked for \d+ s: HTTP 401$/m);
    expect(stdout).toMatch(/^apollo .*tried by the next call: HTTP 401$/m);
    expect(stdout).not.toContain('secret-');
  });

  it('is told, without the limits, where PROVIDERS_FILE cannot be read', async () => {
    const { stdout, code } = await runCli(['providers'], { DATABASE_URL: database.url });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^hunter +7 +\? calls in 60 s|^hunter +7 +100 calls in 60 s, as it told/m);
    expect(stdout).toContain('`npm run cli -- doctor` says why');
  });
});

it('says what is wrong with an option', async () => {
  const unknown = await runCli(['providers', '--org', newId()], env);
  expect({ code: unknown.code, stderr: unknown.stderr }).toMatchObject({ code: 1 });
  expect(unknown.stderr).toContain('There is no organisation');
  const future = await runCli(['providers', '--since', '2999-01-01'], env);
  expect(future.code).toBe(1);
  expect(future.stderr).toContain('Write a time gone by');
});
