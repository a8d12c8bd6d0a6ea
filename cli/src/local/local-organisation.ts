import { readFileSync, writeFileSync } from 'node:fs';
import { ApiCallError, createApiClient } from './api-client';
import { createOrganisation, importSampleLeads, type Organisation } from './organisation';
import type { Stack } from './sandbox-stack';

const CREDITS = 100_000;

/**
 * The one organisation of `npm start`, with the sample leads imported. Made at the first start and kept in `file`,
 * readable by its owner only; made anew where the database does not know the kept key (another database, or revoked).
 */
export async function ensureLocalOrganisation(file: string, stack: Stack): Promise<Organisation> {
  const kept = readOrganisation(file);
  if (kept && (await isKnown(stack.url, kept.apiKey))) return kept;
  const organisation = await createOrganisation('Local', CREDITS, stack.env);
  const { inserted } = await importSampleLeads(stack.env);
  console.log(`Created an organisation with ${CREDITS} credits; imported ${inserted} sample leads.`);
  writeFileSync(file, JSON.stringify(organisation, null, 2), { mode: 0o600 });
  return organisation;
}

function readOrganisation(file: string): Organisation | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Organisation;
  } catch {
    return undefined;
  }
}

async function isKnown(url: string, apiKey: string): Promise<boolean> {
  try {
    await createApiClient(url, apiKey).getBalance();
    return true;
  } catch (error) {
    if (error instanceof ApiCallError && error.status === 401) return false;
    throw error;
  }
}
