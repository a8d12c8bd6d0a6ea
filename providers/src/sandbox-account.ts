import type { Config } from '@leadwell/shared/config/config';
import type { Field } from '@leadwell/shared/domain/enrichment';
import type { Adapter, ProviderLimit } from './adapter';
import type { AccountSettings } from './providers-file';

/** The order in which the sandbox's providers are asked. */
export const SANDBOX_WATERFALL: Readonly<Record<Field, readonly string[]>> = {
  emails: ['hunter', 'prospeo'],
  phones: ['leadmagic', 'prospeo'],
};

/** An account at the sandbox: it serves every provider under `/<name>` and takes every key that begins `sandbox-`. */
export function sandboxAccount(
  adapter: Adapter,
  config: Pick<Config, 'sandboxPort' | 'sandboxPace'>,
): { account: AccountSettings; key: string } {
  return {
    account: {
      baseUrl: `http://127.0.0.1:${config.sandboxPort}/${adapter.name}`,
      limits: adapter.defaults.limits.map((limit) => scaleLimit(limit, config.sandboxPace)),
    },
    key: `sandbox-${adapter.name}`,
  };
}

/** Rounded down and at least 1, as the sandbox does with its own. */
function scaleLimit(limit: ProviderLimit, pace: number): ProviderLimit {
  return { ...limit, amount: Math.max(1, Math.floor(limit.amount * pace)) };
}
