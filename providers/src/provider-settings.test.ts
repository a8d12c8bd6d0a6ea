import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ConfigurationError, loadConfig } from '@leadwell/shared/config/config';
import { maxQuestionsPerCall, type Provider } from './provider';
import { loadWaterfall } from './provider-settings';
import { ADAPTERS } from './registry';

const KEYS = {
  HUNTER_API_KEY: 'hunter-secret',
  PROSPEO_API_KEY: 'prospeo-secret',
  LEADMAGIC_API_KEY: 'magic-secret',
};
const KNOWN = ADAPTERS.map(({ name }) => name).join(', ');
const WATERFALL = { emails: ['hunter', 'prospeo'], phones: ['leadmagic', 'prospeo'] };

let directory: string;
beforeAll(() => (directory = mkdtempSync(path.join(tmpdir(), 'providers-'))));
afterAll(() => rmSync(directory, { recursive: true }));

function load(file: string | object, env: Record<string, string> = KEYS) {
  const name = path.join(directory, 'providers.json');
  writeFileSync(name, typeof file === 'string' ? file : JSON.stringify(file));
  return loadWaterfall(loadConfig({ PROVIDERS_FILE: name }), env);
}

function faultsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigurationError)
      return error.faults.map((fault) => fault.replace(/^\S*\.json: /, ''));
    throw error;
  }
  return [];
}

describe('PROVIDERS_FILE', () => {
  it('takes from the adapter what it leaves out', () => {
    const { emails, phones } = load({ waterfall: WATERFALL });
    expect(emails.map(({ name }) => name)).toEqual(['hunter', 'prospeo']);
    expect(phones.map(({ name }) => name)).toEqual(['leadmagic', 'prospeo']);
    expect(emails[0]).toMatchObject({
      baseUrl: 'https://api.hunter.io',
      key: 'hunter-secret',
      limits: [
        { unit: 'calls', amount: 15, perSeconds: 1 },
        { unit: 'calls', amount: 500, perSeconds: 60 },
      ],
    });
    expect(phones[1]).toBe(emails[1]);
  });

  it('overrides the adapter', () => {
    const hunter = {
      baseUrl: 'http://proxy.internal:8080/hunter/',
      keyEnv: 'OTHER_KEY',
      limits: [{ records: 7, perSeconds: 3600 }],
      concurrent: 2,
      timeoutSeconds: 9,
      maxWaitSeconds: 0,
    };
    const { emails } = load({ providers: { hunter }, waterfall: WATERFALL }, { ...KEYS, OTHER_KEY: 'other' });
    expect(emails[0]).toMatchObject({
      baseUrl: 'http://proxy.internal:8080/hunter',
      key: 'other',
      limits: [{ unit: 'records', amount: 7, perSeconds: 3600 }],
      concurrent: 2,
      timeoutSeconds: 9,
      maxWaitSeconds: 0,
    });
  });

  it('waits ten minutes for answers that come later, or as long as the file says, and only for those', () => {
    const waterfall = { emails: ['dropcontact', 'hunter'], phones: ['apollo'] };
    const env = { HUNTER_API_KEY: 'h', DROPCONTACT_API_KEY: 'd', APOLLO_API_KEY: 'a' };
    const { emails, phones } = load({ providers: { dropcontact: { giveUpSeconds: 90 } }, waterfall }, env);
    expect([emails[0]?.giveUpSeconds, phones[0]?.giveUpSeconds]).toEqual([90, 600]);
    const providers = {
      hunter: { giveUpSeconds: 90 },
      apollo: { giveUpSeconds: 0 },
      dropcontact: { giveUpSeconds: '9' },
    };
    expect(faultsOf(() => load({ providers, waterfall }, env))).toEqual([
      '"providers.apollo.giveUpSeconds" must be greater than or equal to 1',
      '"providers.dropcontact.giveUpSeconds" must be a number',
      '"providers.hunter.giveUpSeconds" means nothing: hunter answers at once',
    ]);
  });

  it('lists every fault at once, missing keys included', () => {
    const file = {
      providers: {
        hunter: { baseUrl: 'ftp://x', limits: [{ calls: 0, perSeconds: 1 }], nope: 1, timeoutSeconds: '3' },
        acme: {},
      },
      waterfall: { emails: ['hunter', 'hunter', 'huntr'], phones: ['hunter'], faxes: [] },
      extra: true,
    };
    expect(faultsOf(() => load(file, {}))).toEqual([
      '"providers.hunter.baseUrl" must be an http or https URL without user, password, query and fragment',
      '"providers.hunter.limits[0].calls" must be greater than or equal to 1',
      '"providers.hunter.timeoutSeconds" must be a number',
      '"providers.hunter.nope" is no setting of a provider',
      `"providers.acme" is no known provider; known are ${KNOWN}`,
      `"waterfall.emails[2]" is no known provider; known are ${KNOWN}`,
      '"waterfall.emails[1]" is asked already, earlier in the same waterfall',
      '"waterfall.phones[0]": hunter does not serve phones',
      '"waterfall.faxes" is not allowed',
      '"extra" is not allowed',
      'hunter needs its key in the variable HUNTER_API_KEY, which is not set.',
    ]);
  });

  it('takes a budget a lead and prices of credits, and refuses a budget that some provider can never fit', () => {
    const prospeo = { creditPrice: 0.5 };
    const { budgets } = load({ providers: { prospeo }, waterfall: WATERFALL, budget: { phones: 8 } });
    expect(budgets.emails).toBeNull();
    expect(budgets.phones?.amount).toBe(8);
    expect(budgets.phones?.largestCostOf('prospeo')).toBe(5);
    expect(budgets.phones?.costOf('leadmagic', 3)).toBe(3);
    expect(faultsOf(() => load({ waterfall: WATERFALL, budget: { phones: 9 } }))).toEqual([
      '"budget.phones" is 9, but one question may cost 10 at prospeo: raise it, or take prospeo out of the waterfall.',
    ]);
    expect(faultsOf(() => load({ waterfall: WATERFALL, budget: { phones: 0 } }))).toHaveLength(1);
  });

  it('has every provider with settings ready for an organisation’s own waterfall, its key with it', () => {
    const file = { providers: { lusha: {} }, waterfall: WATERFALL };
    const { configured, emails } = load(file, { ...KEYS, LUSHA_API_KEY: 'l' });
    expect(configured.map(({ name }) => name).sort()).toEqual(['hunter', 'leadmagic', 'lusha', 'prospeo']);
    expect(emails.map(({ name }) => name)).toEqual(['hunter', 'prospeo']);
    expect(faultsOf(() => load(file))).toEqual([
      'lusha needs its key in the variable LUSHA_API_KEY, which is not set.',
    ]);
  });

  it.each([
    [{ calls: 0, perSeconds: 1 }],
    [{ calls: -5, perSeconds: 1 }],
    [{ calls: 1.5, perSeconds: 1 }],
    [{ calls: '5', perSeconds: 1 }],
    [{ calls: 5 }],
    [{ perSeconds: 1 }],
    [{ calls: 5, perSeconds: 0 }],
    [{ calls: 5, perSeconds: 0.5 }],
    [{ calls: 5, perSeconds: 1e9 }],
    [{ calls: 5, records: 5, perSeconds: 1 }],
    [
      { calls: 5, perSeconds: 60 },
      { calls: 6, perSeconds: 60 },
    ],
    [{ calls: null, perSeconds: 60 }],
  ])('refuses the impossible limits %j', (...limits) => {
    expect(
      faultsOf(() => load({ providers: { hunter: { limits } }, waterfall: WATERFALL })).length,
    ).toBeGreaterThan(0);
  });

  it('takes calls and records of one window as two limits', () => {
    const limits = [
      { calls: 5, perSeconds: 1 },
      { records: 50, perSeconds: 1 },
    ];
    expect(load({ providers: { hunter: { limits } }, waterfall: WATERFALL }).emails[0]?.limits).toHaveLength(
      2,
    );
  });

  it.each([
    [{}, '"waterfall" is required'],
    [{ waterfall: {} }, '"waterfall.emails" is missing; name at least one provider that serves emails'],
    [
      { waterfall: { ...WATERFALL, emails: [] } },
      '"waterfall.emails" names nobody; name at least one provider that serves emails',
    ],
    [[], '"the file" must be of type object'],
    ['null', '"the file" must be of type object'],
  ])('refuses %j', (file, fault) => {
    expect(faultsOf(() => load(file))).toContain(fault);
  });

  it.each([
    ['', 'not JSON at line 1, column 1: a value expected.'],
    ['{\n  "waterfall": tru\n}', 'not JSON at line 2, column 16: a value expected.'],
    ['{"waterfall": {},}', 'not JSON at line 1, column 18: a name in double quotes expected.'],
    ["{'a': 1}", 'not JSON at line 1, column 2: a name in double quotes expected.'],
    ['{"a": 01}', 'not JSON at line 1, column 7: a value expected.'],
    ['{"a": "b', 'not JSON at line 1, column 7: the end of a string expected.'],
    ['{"a": 1} x', 'not JSON at line 1, column 10: the end of the file expected.'],
    ['{"__proto__": {}}', 'not JSON at line 1, column 2: a name other than "__proto__" expected.'],
    ['['.repeat(5000), 'not JSON at line 1, column 102: no more than 100 levels expected.'],
    ['{"a": 1,\n "a": 2}', 'line 2, column 2: the name "a" stands here a second time.'],
  ])('says where %.20j is wrong', (text, fault) => {
    expect(faultsOf(() => load(text))).toEqual([fault]);
  });

  it('names a file that is not there', () => {
    const config = loadConfig({ PROVIDERS_FILE: path.join(directory, 'nowhere.json') });
    expect(faultsOf(() => loadWaterfall(config, KEYS))).toEqual([
      'PROVIDERS_FILE cannot be read: there is no such file (ENOENT).',
    ]);
  });

  it.each(['', ' ', 'a b', 'key\n', 'schlüssel'])('refuses the key %j without repeating it', (key) => {
    const faults = faultsOf(() => load({ waterfall: WATERFALL }, { ...KEYS, HUNTER_API_KEY: key }));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^hunter needs its key in the variable HUNTER_API_KEY/);
    if (key.trim()) expect(faults[0]).not.toContain(key);
  });

  it('wins over the sandbox', () => {
    const name = path.join(directory, 'providers.json');
    writeFileSync(name, JSON.stringify({ waterfall: WATERFALL }));
    const config = loadConfig({ PROVIDERS_FILE: name, ALLOW_SANDBOX: 'true' });
    expect(loadWaterfall(config, KEYS, { sandboxAllowed: true }).emails[0]?.baseUrl).toBe(
      'https://api.hunter.io',
    );
  });
});

describe('an account', () => {
  it('is told apart by key and base URL, and does not hold the key', () => {
    const accountOf = (env: object, hunter: object = {}): string =>
      load({ providers: { hunter }, waterfall: WATERFALL }, { ...KEYS, ...env }).emails[0]?.account ?? '';
    const account = accountOf({});
    expect(account).toMatch(/^hunter https:\/\/api\.hunter\.io [0-9a-f]{12}$/);
    expect(accountOf({})).toBe(account);
    expect(accountOf({ HUNTER_API_KEY: 'another' })).not.toBe(account);
    expect(accountOf({}, { baseUrl: 'https://eu.hunter.example' })).not.toBe(account);
  });
});

describe('the sandbox', () => {
  it('stands in only where it is allowed', () => {
    const [fault] = faultsOf(() => loadWaterfall(loadConfig({}), {}));
    expect(fault).toMatch(/PROVIDERS_FILE is not set.*ALLOW_SANDBOX=true/);
    expect(loadWaterfall(loadConfig({ ALLOW_SANDBOX: 'true' }), {}).emails).toHaveLength(2);
  });

  it('is asked on loopback, with its own keys and limits at its pace', () => {
    const config = loadConfig({ SANDBOX_PORT: '4999', SANDBOX_PACE: '20' });
    const { emails, phones } = loadWaterfall(config, KEYS, { sandboxAllowed: true });
    expect(emails[0]).toMatchObject({
      name: 'hunter',
      baseUrl: 'http://127.0.0.1:4999/hunter',
      key: 'sandbox-hunter',
      limits: [{ amount: 300 }, { amount: 10_000 }],
    });
    expect(phones.map(({ baseUrl }) => baseUrl)).toEqual([
      'http://127.0.0.1:4999/leadmagic',
      'http://127.0.0.1:4999/prospeo',
    ]);
    expect(JSON.stringify([emails, phones])).not.toContain('secret');
  });

  it('needs a port that is known', () => {
    const config = loadConfig({ SANDBOX_PORT: '0' });
    expect(faultsOf(() => loadWaterfall(config, {}, { sandboxAllowed: true }))[0]).toMatch(/SANDBOX_PORT/);
  });
});

describe('maxQuestionsPerCall', () => {
  it('never asks for more in a call than a limit on records grants at once', () => {
    const { emails } = load({ waterfall: WATERFALL });
    const [hunter, prospeo] = emails as [Provider, Provider];
    expect(maxQuestionsPerCall(hunter, 'emails')).toBe(1);
    expect(maxQuestionsPerCall(prospeo, 'emails')).toBe(5);
    expect(maxQuestionsPerCall({ ...prospeo, limits: [] }, 'emails')).toBe(50);
  });
});

describe('the registry', () => {
  it('gives every adapter a name and a key variable of its own', () => {
    expect(new Set(ADAPTERS.map(({ name }) => name)).size).toBe(ADAPTERS.length);
    expect(new Set(ADAPTERS.map(({ defaults }) => defaults.keyEnv)).size).toBe(ADAPTERS.length);
  });
});
