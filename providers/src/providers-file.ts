/** PROVIDERS_FILE: read, checked, every fault named. */
import { readFileSync } from 'node:fs';
import { FIELDS, type Field } from '@leadwell/shared/domain/enrichment';
import Joi from 'joi';
import { type Adapter, isAsync, type ProviderLimit } from './adapter';
import { findJsonFaults } from './json-faults';
import { items, propertyAt } from './reading';
import { ADAPTERS, findAdapter } from './registry';

/** What a file says of one provider. What is left out comes from the adapter. */
export interface AccountSettings {
  baseUrl?: string;
  keyEnv?: string;
  limits?: readonly ProviderLimit[];
  concurrent?: number;
  timeoutSeconds?: number;
  maxWaitSeconds?: number;
  /** What one of its credits costs, in the unit of the budget. */
  creditPrice?: number;
  giveUpSeconds?: number;
}

export interface ProvidersFile {
  accounts: ReadonlyMap<string, AccountSettings>;
  waterfall: Readonly<Record<Field, readonly string[]>>;
  /** What one lead may cost at providers; a field without one is not bounded. */
  budget: Readonly<Partial<Record<Field, number>>>;
}

type WrittenLimit = { perSeconds: number } & ({ calls: number } | { records: number });
type WrittenAccount = Omit<AccountSettings, 'limits'> & { limits?: WrittenLimit[] };
interface WrittenFile {
  providers?: Record<string, WrittenAccount>;
  waterfall: Record<Field, string[]>;
  budget?: Partial<Record<Field, number>>;
}

const DAY_SECONDS = 86_400;
const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,100}$/;

/**
 * Reads the file and lists everything that is wrong with it; never throws. Where there are faults, `settings` holds
 * what is needed to check the keys as well. Whether they are there is the caller's to check.
 */
export function readProvidersFile(path: string): { settings: ProvidersFile; faults: string[] } {
  const { written, faults } = parseFile(path);
  if (faults.length > 0) {
    return { settings: keysOf(written), faults: faults.map((fault) => `${path}: ${fault}`) };
  }
  return { settings: settingsOf(written as WrittenFile), faults: [] };
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file'],
  ['EACCES', 'this user may not read it'],
  ['EISDIR', 'it is a directory'],
]);

function parseFile(path: string): { written: unknown; faults: string[] } {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    const why = REASONS.get(code) ?? 'its disk refuses';
    return { written: null, faults: [`PROVIDERS_FILE cannot be read: ${why} (${code}).`] };
  }
  const jsonFaults = findJsonFaults(text);
  if (jsonFaults.length > 0) return { written: null, faults: jsonFaults };
  const written: unknown = JSON.parse(text);
  const { error } = fileSchema.validate(written, { abortEarly: false, convert: false });
  return { written, faults: error ? error.details.map((detail) => detail.message) : [] };
}

function settingsOf(file: WrittenFile): ProvidersFile {
  const accounts = Object.entries(file.providers ?? {}).map(([name, { limits, ...rest }]) => {
    const account: AccountSettings = limits ? { ...rest, limits: limits.map(limitOf) } : rest;
    return [name, account] as const;
  });
  return { accounts: new Map(accounts), waterfall: file.waterfall, budget: file.budget ?? {} };
}

/** The known providers of a faulty file and where their keys are, as far as that can be read. */
function keysOf(written: unknown): ProvidersFile {
  const accounts = ADAPTERS.flatMap(({ name }) => {
    const keyEnv = propertyAt(written, 'providers', name, 'keyEnv');
    return typeof keyEnv === 'string' && VARIABLE_NAME.test(keyEnv) ? [[name, { keyEnv }] as const] : [];
  });
  const namesOf = (field: Field): string[] =>
    items(propertyAt(written, 'waterfall', field)).filter((name) => typeof name === 'string');
  const waterfall = { emails: namesOf('emails'), phones: namesOf('phones') };
  return { accounts: new Map(accounts), waterfall, budget: {} };
}

function limitOf(limit: WrittenLimit): ProviderLimit {
  return 'calls' in limit
    ? { unit: 'calls', amount: limit.calls, perSeconds: limit.perSeconds }
    : { unit: 'records', amount: limit.records, perSeconds: limit.perSeconds };
}

const amount = Joi.number().integer().min(1).max(1_000_000_000);

const limitSchema = Joi.object({
  calls: amount,
  records: amount,
  perSeconds: Joi.number().integer().min(1).max(DAY_SECONDS).required(),
})
  .xor('calls', 'records')
  .messages({
    'object.missing': '{{#label}} must say how many "calls" or "records"',
    'object.xor': '{{#label}} counts either "calls" or "records"; write two limits for both',
  });

/** Limits are counted by window and unit: two of the same would share their counters. */
function isSameWindow(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  return a['perSeconds'] === b['perSeconds'] && 'calls' in a === 'calls' in b;
}

/** A URL that paths can be appended to; credentials have their own place, `keyEnv`. */
function checkBaseUrl(text: string, { error }: Joi.CustomHelpers<string>): string | Joi.ErrorReport {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password;
  return isPlain && !/[?#\s]/.test(text) ? text : error('url.base');
}

const accountSettings = {
  baseUrl: Joi.string().max(2048).custom(checkBaseUrl).messages({
    'url.base': '{{#label}} must be an http or https URL without user, password, query and fragment',
  }),
  keyEnv: Joi.string()
    .pattern(VARIABLE_NAME)
    .messages({ 'string.pattern.base': '{{#label}} must be the name of a variable, not the key itself' }),
  limits: Joi.array().items(limitSchema).max(10).unique(isSameWindow).messages({
    'array.unique': '{{#label}} repeats the window and unit of an earlier limit',
  }),
  concurrent: Joi.number().integer().min(1).max(10_000),
  timeoutSeconds: Joi.number().min(0.1).max(600),
  maxWaitSeconds: Joi.number().min(0).max(DAY_SECONDS),
  creditPrice: Joi.number().min(0).max(1_000_000),
};

/** A setting that would change nothing is a mistake too. */
function accountSchema(adapter: Adapter): Joi.ObjectSchema {
  const isLate = Object.values(adapter.fields).some(isAsync);
  const giveUpSeconds = isLate
    ? Joi.number().min(1).max(DAY_SECONDS)
    : Joi.forbidden().messages({
        'any.unknown': `{{#label}} means nothing: ${adapter.name} answers at once`,
      });
  return Joi.object({ ...accountSettings, giveUpSeconds }).messages({
    'object.unknown': '{{#label}} is no setting of a provider',
  });
}

const knownNames = ADAPTERS.map((adapter) => adapter.name).join(', ');

function stepSchema(field: Field): Joi.StringSchema {
  const check = (name: string, { error }: Joi.CustomHelpers<string>): string | Joi.ErrorReport => {
    const adapter = findAdapter(name);
    if (!adapter) return error('provider.unknown');
    return adapter.fields[field] ? name : error('provider.field', { name, field });
  };
  return Joi.string()
    .custom(check)
    .messages({
      'provider.unknown': `{{#label}} is no known provider; known are ${knownNames}`,
      'provider.field': '{{#label}}: {#name} does not serve {#field}',
    });
}

function waterfallSchema(field: Field): Joi.ArraySchema {
  return Joi.array()
    .items(stepSchema(field))
    .min(1)
    .unique()
    .required()
    .messages({
      'array.min': `{{#label}} names nobody; name at least one provider that serves ${field}`,
      'any.required': `{{#label}} is missing; name at least one provider that serves ${field}`,
      'array.unique': '{{#label}} is asked already, earlier in the same waterfall',
    });
}

const fileSchema = Joi.object({
  providers: Joi.object(
    Object.fromEntries(ADAPTERS.map((adapter) => [adapter.name, accountSchema(adapter)])),
  ).messages({ 'object.unknown': `{{#label}} is no known provider; known are ${knownNames}` }),
  waterfall: Joi.object(
    Object.fromEntries(FIELDS.map((field) => [field, waterfallSchema(field)])),
  ).required(),
  budget: Joi.object(
    Object.fromEntries(FIELDS.map((field) => [field, Joi.number().greater(0).max(1_000_000)])),
  ),
})
  .required()
  .label('the file');
