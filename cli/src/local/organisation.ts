import path from 'node:path';
import { ROOT } from './child-process';
import { runCli } from './run-cli';

/** Made-up people at made-up companies: 1,000 of them. */
export const SAMPLE_LEADS = path.join(ROOT, 'sample', 'leads.csv');

export interface Organisation {
  orgId: string;
  apiKey: string;
}

/** Creates an organisation with credits and a key that may do everything, as `npm run cli -- org create` does. */
export function createOrganisation(
  name: string,
  credits: number,
  env: Readonly<Record<string, string>>,
): Promise<Organisation> {
  return runCli<Organisation>(['org', 'create', '--name', name, '--credits', String(credits)], env);
}

export interface ImportCounts {
  inserted: number;
  updated: number;
  unchanged: number;
  rejected: number;
}

/** Imports the sample leads into the shared directory. Repeating it changes nothing. */
export function importSampleLeads(env: Readonly<Record<string, string>>): Promise<ImportCounts> {
  return runCli<ImportCounts>(['leads', 'import', SAMPLE_LEADS], env);
}
