import type { Db } from '@leadwell/shared/db/database';
import { findOrganisation } from '@leadwell/shared/repositories/organisations-admin';
import { CliError } from './errors';

/** Throws CliError, with what to do, where there is no such organisation. */
export async function requireOrganisation(db: Db, orgId: string): Promise<void> {
  if (await findOrganisation(db, orgId)) return;
  throw new CliError(
    `There is no organisation ${orgId}; check the id, or create one with \`npm run cli -- org create --name …\`.`,
  );
}
