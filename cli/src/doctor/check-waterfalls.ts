import { askableWaterfall } from '@leadwell/providers/askable';
import type { Config, Environment } from '@leadwell/shared/config/config';
import type { Db } from '@leadwell/shared/db/database';
import type { AskableWaterfall } from '@leadwell/shared/domain/waterfall';
import { listOwnWaterfalls, type OwnWaterfall } from '@leadwell/shared/repositories/organisation-waterfalls';
import { findDeployment } from '../find-deployment';
import { ok, wrong, type Finding } from './finding';

const LISTED_AT_MOST = 10_000;

/** Whether every organisation's own waterfall names only providers that are configured. Nothing where none has one. */
export async function checkWaterfalls(db: Db, config: Config, env: Environment): Promise<Finding[]> {
  const own = await listOwnWaterfalls(db, null, LISTED_AT_MOST);
  const deployment = findDeployment(config, env);
  // What is wrong with PROVIDERS_FILE itself is a finding of its own.
  if (own.length === 0 || !deployment) return [];
  const askable = askableWaterfall(deployment);
  const findings = own.flatMap((one) => findingsOf(one, askable));
  return findings.length > 0
    ? findings
    : [ok('waterfalls', `${own.length} of organisations’ own; every provider in them is configured.`)];
}

function findingsOf({ orgId, field, providers }: OwnWaterfall, { configured }: AskableWaterfall): Finding[] {
  const known = new Set(configured[field].map(({ name }) => name));
  const missing = providers.filter((name) => !known.has(name));
  if (missing.length === 0) return [];
  const rest = providers.filter((name) => known.has(name));
  const change = rest.length > 0 ? `--${field} ${rest.join(',')}` : `--reset ${field}`;
  return [
    wrong(
      'waterfalls',
      `Organisation ${orgId} has ${field} asked of ${missing.join(', ')}, which PROVIDERS_FILE does not configure: it is passed over.`,
      `Configure it and restart the API and the workers, or take it out: npm run cli -- org waterfall --org ${orgId} ${change}`,
    ),
  ];
}
