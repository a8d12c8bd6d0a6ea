import { loadWaterfall } from '@leadwell/providers/provider-settings';
import type { Waterfall } from '@leadwell/providers/provider';
import { ConfigurationError, type Config, type Environment } from '@leadwell/shared/config/config';

/** Whom this deployment asks; undefined where this shell has not the settings and keys of the workers: the doctor tells why. */
export function findDeployment(config: Config, env: Environment): Waterfall | undefined {
  try {
    return loadWaterfall(config, env);
  } catch (error) {
    if (error instanceof ConfigurationError) return undefined;
    throw error;
  }
}
