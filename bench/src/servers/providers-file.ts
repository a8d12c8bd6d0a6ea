import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** As PROVIDERS_FILE writes it. */
export type WrittenLimit = { perSeconds: number } & ({ calls: number } | { records: number });

/** The provider that a deployment asks: `hunter` takes one lead a call, `prospeo` fifty. */
export interface ProviderTerms {
  name: 'hunter' | 'prospeo';
  /** Calls in flight at most, of all workers together. Defaults to 50. */
  concurrent?: number;
  /** Defaults to one that cannot be met. */
  limits?: readonly WrittenLimit[];
}

/** The key that the sandbox takes, the same for us, the floors and the peer. */
export const SANDBOX_KEY = 'sandbox-bench';

const UNLIMITED: readonly WrittenLimit[] = [{ calls: 1_000_000_000, perSeconds: 1 }];

/** Writes a PROVIDERS_FILE with one provider for both fields, and gives the environment that names it. */
export function writeProvidersFile(
  sandboxUrl: string,
  terms: ProviderTerms = { name: 'hunter' },
): { PROVIDERS_FILE: string; PROVIDER_KEY: string } {
  const { name, concurrent = 50, limits = UNLIMITED } = terms;
  const account = { baseUrl: `${sandboxUrl}/${name}`, keyEnv: 'PROVIDER_KEY', limits, concurrent };
  // Hunter knows no phone numbers; nobody here asks for any.
  const waterfall = { emails: [name], phones: ['prospeo'] };
  const providers = { [name]: account, prospeo: { ...account, baseUrl: `${sandboxUrl}/prospeo` } };
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'leadwell-bench-')), 'providers.json');
  writeFileSync(file, JSON.stringify({ providers, waterfall }), { mode: 0o600 });
  return { PROVIDERS_FILE: file, PROVIDER_KEY: SANDBOX_KEY };
}
