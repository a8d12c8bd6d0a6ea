import type { Field } from '@leadwell/shared/domain/enrichment';
import type { Adapter, ProviderLimit } from './adapter';
import type { Budget } from './budget';

/** An adapter with the account it is used by: base URL, key and limits resolved. */
export interface Provider {
  name: string;
  adapter: Adapter;
  baseUrl: string;
  key: string;
  /** Names the limits, slots and breaker in the database: equal for every process that shares the account. Holds no key. */
  account: string;
  limits: readonly ProviderLimit[];
  concurrent: number;
  timeoutSeconds: number;
  maxWaitSeconds: number;
  /** After its submission, a question that still has no answer has failed. Means nothing where answers come at once. */
  giveUpSeconds: number;
}

/** The providers of each field in the order they are asked. Never empty. */
export interface Waterfall extends Readonly<Record<Field, readonly Provider[]>> {
  /** Every provider with an account here: those of both fields, and those that only an organisation's own order asks. */
  configured: readonly Provider[];
  /** What one lead may cost; null where it may cost what it costs. */
  budgets: Readonly<Record<Field, Budget | null>>;
}

/**
 * Questions that one call may hold: the contract's number, but never more than the smallest limit on records, because
 * a call above that could not be granted in any window. At least 1. Throws where the provider does not serve the field.
 */
export function maxQuestionsPerCall(provider: Provider, field: Field): number {
  const contract = provider.adapter.fields[field];
  if (!contract) throw new Error(`${provider.name} does not serve ${field}`);
  const records = provider.limits.filter((limit) => limit.unit === 'records').map((limit) => limit.amount);
  return Math.max(1, Math.min(contract.maxQuestionsPerCall, ...records));
}

/** The account as an endpoint is counted that the provider counts by itself; all of the account where there is none. */
export function atEndpoint(provider: Provider, endpoint: string | undefined): Provider {
  return endpoint === undefined ? provider : { ...provider, account: `${provider.account} ${endpoint}` };
}

/** What of a provider's account is counted by itself: each of its endpoints, or all of it. */
export function listEndpoints(provider: Provider): Provider[] {
  const contracts = Object.values(provider.adapter.fields);
  const names = contracts.flatMap((contract) => {
    return 'pollEndpoint' in contract ? [contract.endpoint, contract.pollEndpoint] : [contract.endpoint];
  });
  return [...new Set(names)].map((endpoint) => atEndpoint(provider, endpoint));
}
