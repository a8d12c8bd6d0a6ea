import { listFileFaults } from '@leadwell/providers/deployment';
import { loadWaterfall } from '@leadwell/providers/provider-settings';
import {
  ConfigurationError,
  loadConfig,
  type Config,
  type Environment,
} from '@leadwell/shared/config/config';
import { FIELDS } from '@leadwell/shared/domain/enrichment';
import { isSandboxStackRunning } from '../local/local-stack';
import { note, ok, wrong, type Finding } from './finding';

const CORRECT_IT = 'Correct it, then restart every process.';

/** The configuration, or undefined where nothing else can be looked at, and what was found. */
export function checkConfiguration(env: Environment): { config: Config | undefined; findings: Finding[] } {
  try {
    const config = loadConfig(env);
    return { config, findings: [ok('configuration', 'Every setting is valid.')] };
  } catch (error) {
    const fileFaults = listFileFaults(env).map((fault) => wrong('providers file', fault, CORRECT_IT));
    return { config: undefined, findings: [...listFaults('configuration', error), ...fileFaults] };
  }
}

/** PROVIDERS_FILE and the keys that it names; whether a key is right, only the provider knows. */
export function checkProvidersFile(config: Config, env: Environment): Finding[] {
  if (config.providersFile === undefined && !config.allowSandbox && isSandboxStackRunning(placeOf(env)))
    return [note('providers file', '`npm start` runs here with a sandbox: what it finds is invented.')];
  try {
    const waterfall = loadWaterfall(config, env);
    if (config.providersFile === undefined)
      return [
        note('providers file', 'ALLOW_SANDBOX is on: the sandbox answers, and what it finds is invented.'),
      ];
    const names = FIELDS.map((field) => `${field}: ${waterfall[field].map(({ name }) => name).join(', ')}`);
    return [ok('providers file', `${names.join('; ')}; every key is set.`)];
  } catch (error) {
    return listFaults('providers file', error);
  }
}

function placeOf(env: Environment): { DATABASE_URL: string | undefined } {
  return { DATABASE_URL: env['DATABASE_URL'] };
}

function listFaults(check: string, error: unknown): Finding[] {
  if (!(error instanceof ConfigurationError)) throw error;
  return error.faults.map((fault) => wrong(check, fault, CORRECT_IT));
}
