/**
 * Which providers are asked, in which order, by which account: from PROVIDERS_FILE, or from the sandbox where that is
 * allowed.
 */
import { createHash } from 'node:crypto';
import { type Config, ConfigurationError, type Environment } from '@leadwell/shared/config/config';
import { FIELDS, type Field } from '@leadwell/shared/domain/enrichment';
import type { Adapter } from './adapter';
import { createBudget, isWithin, type Budget } from './budget';
import type { Provider, Waterfall } from './provider';
import { type AccountSettings, type ProvidersFile, readProvidersFile } from './providers-file';
import { ADAPTERS, findAdapter } from './registry';
import { sandboxAccount, SANDBOX_WATERFALL } from './sandbox-account';

/**
 * The waterfall of this deployment. PROVIDERS_FILE wins wherever it is set; without it, the sandbox stands in for
 * every provider, but only where `sandboxAllowed` (demo, start, tests) or ALLOW_SANDBOX says so: a real deployment
 * must never sell invented addresses. Keys are read from `env` and stay in `Provider.key`.
 * Throws ConfigurationError that lists every fault.
 */
export function loadWaterfall(
  config: Config,
  env: Environment,
  options: { sandboxAllowed?: boolean } = {},
): Waterfall {
  if (config.providersFile !== undefined) return waterfallOfFile(config.providersFile, env);
  if (options.sandboxAllowed || config.allowSandbox) return waterfallOfSandbox(config);
  throw new ConfigurationError([
    'PROVIDERS_FILE is not set, so nobody can be asked. Set it to a JSON file with the providers and the ' +
      'waterfall; or set ALLOW_SANDBOX=true to try the service against the sandbox, whose answers are invented.',
  ]);
}

/** As `loadWaterfall`, of this file. */
export function waterfallOfFile(path: string, env: Environment): Waterfall {
  const { settings, faults } = readProvidersFile(path);
  // What only has settings stands ready for the waterfall of an organisation.
  const names = new Set([
    ...FIELDS.flatMap((field) => settings.waterfall[field]),
    ...settings.accounts.keys(),
  ]);
  const providers = new Map<string, Provider>();
  for (const name of names) {
    const adapter = findAdapter(name);
    if (!adapter) continue;
    const account = settings.accounts.get(name) ?? {};
    const keyEnv = account.keyEnv ?? adapter.defaults.keyEnv;
    const key = env[keyEnv] ?? '';
    const fault = findKeyFault(key);
    if (fault) faults.push(`${path}: ${name} needs its key in the variable ${keyEnv}, which ${fault}.`);
    providers.set(name, buildProvider(adapter, account, key));
  }
  const waterfall = { ...inOrder(settings.waterfall, providers), budgets: budgetsOf(settings, providers) };
  faults.push(...listBudgetFaults(waterfall).map((fault) => `${path}: ${fault}`));
  if (faults.length > 0) throw new ConfigurationError(faults);
  return waterfall;
}

function budgetsOf(settings: ProvidersFile, providers: ReadonlyMap<string, Provider>): Waterfall['budgets'] {
  const prices = new Map(
    [...settings.accounts].map(([name, { creditPrice = 1 }]) => [name, creditPrice] as const),
  );
  const budgetOf = (field: Field): Budget | null => {
    const amount = settings.budget[field];
    return amount === undefined ? null : createBudget(field, amount, [...providers.values()], prices);
  };
  return { emails: budgetOf('emails'), phones: budgetOf('phones') };
}

/** A provider whose charge no lead can afford would never be asked, and every lead that comes to it would fail. */
function listBudgetFaults(waterfall: Waterfall): string[] {
  return FIELDS.flatMap((field) => {
    const budget = waterfall.budgets[field];
    const beyond = waterfall[field].filter(
      ({ name }) => budget && !isWithin(budget, budget.largestCostOf(name)),
    );
    return beyond.map(
      ({ name }) =>
        `"budget.${field}" is ${budget?.amount}, but one question may cost ${budget?.largestCostOf(name)} at ${name}: raise it, or take ${name} out of the waterfall.`,
    );
  });
}

/** The value itself is never repeated. */
function findKeyFault(key: string): string | null {
  if (key === '') return 'is not set';
  return /^[\x21-\x7e]{1,4096}$/.test(key) ? null : 'holds white space or other characters that no key has';
}

function waterfallOfSandbox(config: Config): Waterfall {
  if (config.sandboxPort === 0) {
    throw new ConfigurationError(['SANDBOX_PORT is 0: say the port that the sandbox listens on.']);
  }
  const providers = new Map(
    ADAPTERS.map((adapter) => {
      const { account, key } = sandboxAccount(adapter, config);
      return [adapter.name, buildProvider(adapter, account, key)];
    }),
  );
  return inOrder(SANDBOX_WATERFALL, providers);
}

function inOrder(
  order: Readonly<Record<Field, readonly string[]>>,
  providers: ReadonlyMap<string, Provider>,
): Waterfall {
  const listed = (field: Field): Provider[] => order[field].flatMap((name) => providers.get(name) ?? []);
  return {
    emails: listed('emails'),
    phones: listed('phones'),
    configured: [...providers.values()],
    budgets: NO_BUDGETS,
  };
}

const NO_BUDGETS: Waterfall['budgets'] = { emails: null, phones: null };

/** Where neither file nor adapter says how long. */
const GIVE_UP_SECONDS = 600;

function buildProvider(adapter: Adapter, account: AccountSettings, key: string): Provider {
  const settings = { ...adapter.defaults, ...account };
  const baseUrl = settings.baseUrl.replace(/\/+$/, '');
  return {
    name: adapter.name,
    adapter,
    baseUrl,
    key,
    account: `${adapter.name} ${baseUrl} ${fingerprint(key)}`,
    limits: settings.limits,
    concurrent: settings.concurrent,
    timeoutSeconds: settings.timeoutSeconds,
    maxWaitSeconds: settings.maxWaitSeconds,
    giveUpSeconds: settings.giveUpSeconds ?? GIVE_UP_SECONDS,
  };
}

/** Tells accounts apart without telling the key: 48 bits of its SHA-256. */
function fingerprint(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 12);
}
