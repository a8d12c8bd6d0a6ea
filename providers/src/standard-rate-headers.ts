/**
 * The headers that the IETF proposes for limits, which need no declaration by an adapter: `RateLimit` with what is left, and
 * `RateLimit-Policy` with what a window takes. Both in use are read: the newer form, `"default";r=50;t=30` and
 * `"default";q=100;w=60`, and the older one, `limit=100, remaining=50, reset=30` and `100;w=60`. Nothing here throws.
 * Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/
 */
import type { ProviderResponse } from './adapter';

/** One limit; null for what is not told. */
export interface StandardLimit {
  perSeconds: number | null;
  limit: number | null;
  remaining: number | null;
  resetSeconds: number | null;
}

/** Every limit on calls that a response tells so. */
export function readStandardLimits(headers: ProviderResponse['headers']): StandardLimit[] {
  const left = membersOf(headers['ratelimit']);
  const policies = membersOf(headers['ratelimit-policy']);
  const older = left.find(({ name }) => name.startsWith('limit='));
  if (older) return [readOlder(left, policies)];
  return left
    .filter(({ parameters }) => parameters.has('r'))
    .map((one) => ({ one, policy: policies.find(({ name }) => name === one.name)?.parameters }))
    .filter(({ policy }) => (policy?.get('qu') ?? 'requests') === 'requests')
    .map(({ one, policy }) => ({
      perSeconds: amountOf(policy?.get('w')),
      limit: amountOf(policy?.get('q')),
      remaining: amountOf(one.parameters.get('r')),
      resetSeconds: amountOf(one.parameters.get('t')),
    }));
}

function readOlder(left: readonly Member[], policies: readonly Member[]): StandardLimit {
  const told = new Map(left.map(({ name }) => name.split('=', 2) as [string, string]));
  const policy = policies.find(({ name }) => name === told.get('limit')) ?? policies[0];
  return {
    perSeconds: amountOf(policy?.parameters.get('w')),
    limit: amountOf(told.get('limit')),
    remaining: amountOf(told.get('remaining')),
    resetSeconds: amountOf(told.get('reset')),
  };
}

interface Member {
  name: string;
  parameters: ReadonlyMap<string, string>;
}

/** What stands between the commas, without quotes; a name that holds a comma or a semicolon is not understood. */
function membersOf(text: string | undefined): Member[] {
  if (typeof text !== 'string' || text.length > 500) return [];
  return text.split(',').map((member) => {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim().replaceAll('"', ''));
    return { name, parameters: new Map(parameters.map((part) => part.split('=', 2) as [string, string])) };
  });
}

function amountOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : null;
}
