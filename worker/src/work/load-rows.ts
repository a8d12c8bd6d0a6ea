import type { Field } from '@leadwell/shared/domain/enrichment';
import { SHARED_SCOPE } from '@leadwell/shared/domain/ids';
import {
  questionsOf,
  waterfallOf,
  type AskableProvider,
  type AskableWaterfall,
} from '@leadwell/shared/domain/waterfall';
import type { Lease, PendingRow, StoredAttempt } from '@leadwell/shared/repositories/leases';
import type { BatchRun } from './batch-run';
import type { StoredRows } from './stored-rows';
import type { WorkRow } from './work-row';

export interface LoadRowsOptions {
  /** The deployment's; an organisation may have its own, which is read with every lease. */
  waterfall: AskableWaterfall;
  shareResults: boolean;
}

/** The pending rows of a leased batch, each with its providers' turns and what earlier workers left at them. */
export function loadRows(
  options: LoadRowsOptions,
  run: BatchRun,
  { ownProviders }: Pick<Lease, 'ownProviders'>,
  { pending, attempts }: StoredRows,
): WorkRow[] {
  const providers = waterfallOf(options.waterfall, run.batch.field, ownProviders);
  return pending.map((row) => toWorkRow(options, run, row, attempts.get(row.enrichmentId) ?? [], providers));
}

function toWorkRow(
  options: LoadRowsOptions,
  run: BatchRun,
  row: PendingRow,
  attempts: readonly StoredAttempt[],
  providers: readonly AskableProvider[],
): WorkRow {
  const { batch } = run;
  const scope = options.shareResults ? SHARED_SCOPE : batch.orgId;
  const asked = [...providers, ...listBinding(options.waterfall, batch.field, attempts, providers)];
  const questions = row.lead ? questionsOf(row.lead, asked) : [];
  return {
    enrichmentId: row.enrichmentId,
    field: batch.field,
    run,
    acceptedAtText: row.acceptedAtText,
    acceptedAtMs: row.acceptedAt.getTime(),
    retryNotFound: row.retryNotFound,
    turns: questions.map(({ provider, baseUrl, question, inputHash, closedBecause }) => {
      const attempt = attempts.find((candidate) => candidate.provider === provider);
      const key = { provider, baseUrl, inputHash, scope };
      const { outcome = null, error = null } = attempt ?? {};
      return { provider, question, key, closedBecause, outcome, error };
    }),
    unwritten: [],
    spentMs: attempts.reduce((sum, attempt) => sum + (attempt.durationMs ?? 0), 0),
    spentCost: 0,
    plannedAtMs: 0,
  };
}

/** Out of the waterfall since it was asked: what it found was paid for, and what it may not tell nobody else is asked. */
function listBinding(
  waterfall: AskableWaterfall,
  field: Field,
  attempts: readonly StoredAttempt[],
  providers: readonly AskableProvider[],
): AskableProvider[] {
  const binding = attempts.filter(({ outcome }) => outcome === 'hit' || outcome === 'restricted');
  const names = new Set(binding.map(({ provider }) => provider));
  for (const { name } of providers) names.delete(name);
  return waterfall.configured[field].filter(({ name }) => names.has(name));
}
