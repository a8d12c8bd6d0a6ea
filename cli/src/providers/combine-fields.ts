import type { Waterfall } from '@leadwell/providers/provider';
import { FIELDS } from '@leadwell/shared/domain/enrichment';
import type { ProviderPerformance } from '@leadwell/shared/repositories/provider-reports';

/** What came of asking a provider for a field, and what follows from it. */
export interface FieldReport extends ProviderPerformance {
  /** Hits among the answers, 0 to 1; null where there was none. */
  hitRate: number | null;
  /** In the provider's own credits, misses and all; null where nothing was found, or some charges are not known. */
  creditsPerHit: number | null;
  /** The same in the unit of `budget`; null where the field has none. */
  costPerHit: number | null;
}

/** Every field of every provider that was asked, and of every configured one, in the order of the waterfalls. */
export function combineFields(
  measured: readonly ProviderPerformance[],
  deployment: Waterfall | undefined,
): FieldReport[] {
  const keyOf = ({ provider, field }: Pick<ProviderPerformance, 'provider' | 'field'>): string =>
    `${field} ${provider}`;
  const asked = FIELDS.flatMap((field) =>
    (deployment?.[field] ?? []).map(({ name }) => ({ ...NOTHING, provider: name, field })),
  );
  const reports = new Map(asked.map((one) => [keyOf(one), one as ProviderPerformance]));
  const others = [...measured].sort((a, b) => FIELDS.indexOf(a.field) - FIELDS.indexOf(b.field));
  for (const one of others) reports.set(keyOf(one), one);
  return [...reports.values()].map((one) => ({ ...one, ...ratesOf(one, deployment) }));
}

const NOTHING = {
  asked: 0,
  hits: 0,
  misses: 0,
  restricted: 0,
  failed: 0,
  awaited: 0,
  reused: 0,
  skipped: 0,
  credits: 0,
  unpriced: 0,
  p50Ms: null,
  p95Ms: null,
  repeats: 0,
  commonFault: null,
};

function ratesOf(
  one: ProviderPerformance,
  deployment: Waterfall | undefined,
): Pick<FieldReport, 'hitRate' | 'creditsPerHit' | 'costPerHit'> {
  const answered = one.hits + one.misses + one.restricted;
  const creditsPerHit = one.hits > 0 && one.unpriced === 0 ? one.credits / one.hits : null;
  const budget = deployment?.budgets[one.field];
  return {
    hitRate: answered > 0 ? one.hits / answered : null,
    creditsPerHit,
    costPerHit: creditsPerHit !== null && budget ? budget.costOf(one.provider, creditsPerHit) : null,
  };
}
