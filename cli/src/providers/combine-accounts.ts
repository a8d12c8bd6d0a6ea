import { listEndpoints, type Provider, type Waterfall } from '@leadwell/providers/provider';
import type { ProviderAccountState } from '@leadwell/shared/repositories/provider-reports';

export interface LimitUse {
  unit: 'calls' | 'records';
  perSeconds: number;
  /** In the window that ends now, booked calls of the next moment included. */
  used: number;
  /** Null where only the provider names one. */
  configured: number | null;
  /** What the provider named last, where that is still believed. */
  told: number | null;
}

/** A provider's account as it stands now, or one endpoint of it that is counted by itself. */
export interface AccountReport {
  provider: string;
  endpoint: string | null;
  baseUrl: string;
  /** False where PROVIDERS_FILE knows no such account, or cannot be read here. */
  isConfigured: boolean;
  inFlight: number;
  concurrent: number | null;
  limits: LimitUse[];
  breaker: ProviderAccountState['breaker'];
}

/** Every configured account, asked or not; of the others, those that something is left of. */
export function combineAccounts(
  states: readonly ProviderAccountState[],
  deployment: Waterfall | undefined,
): AccountReport[] {
  const configured = (deployment?.configured ?? []).flatMap(listEndpoints);
  const stateOf = new Map(states.map((state) => [state.account, state]));
  const known = new Set(configured.map(({ account }) => account));
  const left = states.filter((state) => !known.has(state.account) && isInUse(state));
  return [
    ...configured.map((provider) =>
      report(stateOf.get(provider.account) ?? idle(provider.account), provider),
    ),
    ...left.map((state) => report(state, undefined)),
  ];
}

function idle(account: string): ProviderAccountState {
  return { account, inFlight: 0, windows: [], breaker: null };
}

function isInUse({ inFlight, windows, breaker }: ProviderAccountState): boolean {
  return inFlight > 0 || windows.some(({ used }) => used > 0) || (breaker?.remainingSeconds ?? 0) > 0;
}

function report(state: ProviderAccountState, provider: Provider | undefined): AccountReport {
  const [name = '', baseUrl = '', , endpoint] = state.account.split(' ');
  return {
    provider: name,
    endpoint: endpoint ?? null,
    baseUrl,
    isConfigured: provider !== undefined,
    inFlight: state.inFlight,
    concurrent: provider?.concurrent ?? null,
    limits: limitsOf(state, provider),
    breaker: state.breaker,
  };
}

/** Windows that are only counted, because the provider may name a limit for them, are left out until it does. */
function limitsOf({ windows }: ProviderAccountState, provider: Provider | undefined): LimitUse[] {
  const configured = (provider?.limits ?? []).map(({ unit, perSeconds, amount }) => {
    const window = windows.find((one) => one.unit === unit && one.windowMs === perSeconds * 1000);
    return { unit, perSeconds, used: window?.used ?? 0, configured: amount, told: window?.told ?? null };
  });
  const others = windows
    .filter(({ told, used }) => told !== null || (!provider && used > 0))
    .map(({ unit, windowMs, used, told }) => ({
      unit,
      perSeconds: windowMs / 1000,
      used,
      configured: null,
      told,
    }))
    .filter((one) => !configured.some((own) => own.unit === one.unit && own.perSeconds === one.perSeconds));
  return [...configured, ...others].sort((a, b) => a.perSeconds - b.perSeconds);
}
