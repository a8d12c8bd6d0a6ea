/** What a sandbox remembers between calls. */
import { Account, type AccountStats } from './account';
import type { Limit, ProviderContract } from './contract';
import { Faults } from './faults';
import * as contracts from './contracts';

export const CONTRACTS: readonly ProviderContract[] = Object.values(contracts);
const CONTRACT_OF_NAME = new Map(CONTRACTS.map((contract) => [contract.name, contract]));

export interface Latency {
  minMs: number;
  maxMs: number;
}

export interface SandboxOptions {
  /** Multiplies every limit and divides the latency. Defaults to 1. */
  pace?: number;
  /** Another seed is another world. */
  seed?: string;
  /** Before the pace divides it. Defaults to 20 to 80 ms. */
  latency?: Latency;
  /** What each account has to begin with. Defaults to a million. */
  credits?: number;
  /** By provider, an account of another plan: its limits, before the pace. The headers tell them. */
  plans?: Readonly<Record<string, readonly Limit[]>>;
}

export interface SandboxStats {
  accounts: AccountStats[];
  /** Calls with a key that no provider took. */
  badKeys: number;
  /** Who followed a redirect, and would have carried the key elsewhere. */
  redirectsFollowed: number;
}

export class World {
  readonly seed: string;
  readonly faults: Faults;
  latency: Latency;
  readonly #pace: number;
  readonly #credits: number;
  readonly #plans: Map<string, readonly Limit[]>;
  readonly #accounts = new Map<string, Account>();
  badKeys = 0;
  redirectsFollowed = 0;

  constructor(options: SandboxOptions) {
    this.seed = options.seed ?? 'leadwell';
    this.faults = new Faults(this.seed);
    this.#pace = options.pace ?? 1;
    this.#credits = options.credits ?? 1_000_000;
    this.#plans = new Map(Object.entries(options.plans ?? {}));
    const { minMs, maxMs } = options.latency ?? { minMs: 20, maxMs: 80 };
    this.latency = { minMs: minMs / this.#pace, maxMs: maxMs / this.#pace };
  }

  findContract(name: string): ProviderContract | undefined {
    return CONTRACT_OF_NAME.get(name);
  }

  /** The account of a key, opened at its first call. Null where the key is none: good ones begin `sandbox-`. */
  findAccount(contract: ProviderContract, key: string | null): Account | null {
    if (key === null || !/^sandbox-[\x21-\x7e]{1,200}$/.test(key)) return null;
    const id = `${contract.name} ${key}`;
    const known = this.#accounts.get(id);
    if (known) return known;
    const account = new Account(
      contract.name,
      key,
      (this.#plans.get(contract.name) ?? contract.limits).map((limit) => this.#scale(limit)),
      this.#credits,
    );
    this.#accounts.set(id, account);
    return account;
  }

  /** Rounded down and at least 1, as the service does with its own. */
  #scale(limit: Limit): Limit {
    return { ...limit, amount: Math.max(1, Math.floor(limit.amount * this.#pace)) };
  }

  /** Gives a provider's accounts these limits, before the pace; those that are open begin anew. */
  setPlan(provider: string, limits: readonly Limit[]): void {
    this.#plans.set(provider, limits);
    for (const [id, account] of this.#accounts) if (account.provider === provider) this.#accounts.delete(id);
  }

  accounts(): Account[] {
    return [...this.#accounts.values()];
  }

  stats(): SandboxStats {
    return {
      accounts: this.accounts().map((account) => account.stats()),
      badKeys: this.badKeys,
      redirectsFollowed: this.redirectsFollowed,
    };
  }

  /** Forgets every account: limits, credits and counts begin anew. Faults and latency stay. */
  reset(): void {
    this.#accounts.clear();
    this.badKeys = 0;
    this.redirectsFollowed = 0;
  }
}
