import {
  ConfigurationError,
  loadConfig,
  type Config,
  type Environment,
} from '@leadwell/shared/config/config';
import type { Waterfall } from './provider';
import { loadWaterfall, waterfallOfFile } from './provider-settings';

/**
 * What a process is to do, and whom it asks. Throws ConfigurationError that lists every fault of the settings and of PROVIDERS_FILE
 * together: whoever corrects them need start once.
 */
export function loadDeployment(env: Environment): { config: Config; waterfall: Waterfall } {
  let config: Config;
  try {
    config = loadConfig(env);
  } catch (error) {
    throw error instanceof ConfigurationError
      ? new ConfigurationError([...error.faults, ...listFileFaults(env)])
      : error;
  }
  return { config, waterfall: loadWaterfall(config, env) };
}

/** Every fault of PROVIDERS_FILE, whatever the other settings are; empty where it is not set or well. */
export function listFileFaults(env: Environment): readonly string[] {
  const path = env['PROVIDERS_FILE'];
  if (!path) return [];
  try {
    waterfallOfFile(path, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults;
    throw error;
  }
}
