import type Joi from 'joi';
import { SETTINGS, type Setting } from './settings';

/** The checked configuration. Units are in the names; see SETTINGS for ranges and meaning. */
export interface Config {
  databaseUrl: string | undefined;
  databasePoolSize: number;
  redisUrl: string | undefined;
  queuePrefix: string;
  port: number;
  host: string;
  logLevel: string;
  rateLimitCalls: number;
  rateLimitSeconds: number;
  authFailuresPerMinute: number;
  trustedProxies: number;
  maxConnections: number;
  batchSize: number;
  workerConcurrency: number;
  workerHeartbeatFile: string | undefined;
  emailCredits: number;
  phoneCredits: number;
  enrichmentTimeoutSeconds: number;
  enrichmentDeadlineHours: number;
  leaseSeconds: number;
  checkSeconds: number;
  auditEveryMinutes: number;
  resultDays: number;
  shareResults: 'on' | 'off';
  sandboxPort: number;
  sandboxPace: number;
  opsUser: string;
  opsPassword: string | undefined;
  providersFile: string | undefined;
  allowSandbox: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** The configuration cannot be used. `faults` lists everything that is wrong, one sentence each. */
export class ConfigurationError extends Error {
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The configuration is not valid:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'ConfigurationError';
    this.faults = faults;
  }
}

/**
 * Reads and checks every setting at once, before anything is built. An empty variable counts as unset.
 * Throws ConfigurationError that lists every fault, misspelt names included; no malformed value becomes a default.
 */
export function loadConfig(env: Environment): Config {
  const entries = Object.entries(SETTINGS) as [keyof Config, Setting][];
  const faults = findMisspelt(env);
  const config: Partial<Record<keyof Config, unknown>> = {};
  for (const [name, setting] of entries) {
    const text = env[setting.variable] || setting.defaultText;
    const checked: Joi.ValidationResult<unknown> = setting.schema.validate(text, { convert: true });
    if (checked.error) faults.push(faultOf(setting, checked.error));
    config[name] = checked.value;
  }
  if (faults.length > 0) throw new ConfigurationError(faults);
  return config as unknown as Config;
}

function faultOf(setting: Setting, error: Joi.ValidationError): string {
  const reason = error.message.replace(/^"value"\s*/, '');
  // A URL or a password may hold a secret: such a value is not repeated.
  return `${setting.variable} ${reason} (${setting.unit}). ${setting.meaning}`;
}

function findMisspelt(env: Environment): string[] {
  const known = new Set<string>(Object.values(SETTINGS).map((setting) => setting.variable));
  return Object.keys(env)
    .filter((name) => env[name] && !known.has(name))
    .flatMap((name) => {
      const meant = [...known].find((candidate) => isNearly(name, candidate));
      return meant ? [`${name} is not a setting. Did you mean ${meant}?`] : [];
    });
}

/** Whether a name is a known one but for case, separators or at most two slips. Short names must differ by case only. */
function isNearly(name: string, known: string): boolean {
  const bare = (text: string): string => text.toUpperCase().replace(/[^A-Z0-9]/g, '');
  if (bare(name) === bare(known)) return true;
  return known.length >= 8 && editDistance(name.toUpperCase(), known) <= 2;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
