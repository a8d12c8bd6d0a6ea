import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** As PROVIDERS_FILE writes it. */
export type WrittenLimit = { perSeconds: number } & ({ calls: number } | { records: number });

/** A provider that a deployment asks: `prospeo` takes fifty leads a call, the others one. */
export interface ProviderTerms {
  name: 'hunter' | 'prospeo' | 'findymail';
  /** Calls in flight at most, of all workers together. Defaults to 50. */
  concurrent?: number;
  /** Defaults to one that cannot be met. */
  limits?: readonly WrittenLimit[];
}

/** The key that the sandbox takes, the same for us, the floors and the peer. */
export const SANDBOX_KEY = 'sandbox-bench';

const UNLIMITED: readonly WrittenLimit[] = [{ calls: 1_000_000_000, perSeconds: 1 }];

/** Writes a PROVIDERS_FILE with these providers for e-mail addresses, in their order, and gives the environment that names it. */
export function writeProvidersFile(
  sandboxUrl: string,
  asked: readonly ProviderTerms[],
): { PROVIDERS_FILE: string; PROVIDER_KEY: string } {
  const accountOf = ({ name, concurrent = 50, limits = UNLIMITED }: ProviderTerms) => ({
    baseUrl: `${sandboxUrl}/${name}`,
    keyEnv: 'PROVIDER_KEY',
    limits,
    concurrent,
  });
  // Nobody here asks for phone numbers.
  const waterfall = { emails: asked.map(({ name }) => name), phones: ['prospeo'] };
  const all: readonly ProviderTerms[] = [{ name: 'prospeo' }, ...asked];
  const providers = Object.fromEntries(all.map((terms) => [terms.name, accountOf(terms)]));
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'leadwell-bench-')), 'providers.json');
  writeFileSync(file, JSON.stringify({ providers, waterfall }), { mode: 0o600 });
  return { PROVIDERS_FILE: file, PROVIDER_KEY: SANDBOX_KEY };
}
