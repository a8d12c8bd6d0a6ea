import type { Db } from '../db/database';
import { hashesOfPerson } from '../domain/suppression';
import { findErased, hasErasures } from '../repositories/suppressions';
import type { LeadRow, Rejection } from './lead-row';

const ERASED =
  'This person was erased from this service and cannot be imported; leave the row out. If it is somebody else of that name, add nothing and ask whoever runs this service.';

/**
 * The rows of a chunk without those that name an erased person. Read under lockLeadWrites: an erasure commits its hashes
 * under it, so that a chunk either sees them or is seen by it. A telephone number alone does not tell a person: it may be a
 * switchboard's. Other suppressions stop no import: they are about asking, not about knowing.
 */
export async function splitErased<Keyed extends { row: LeadRow }>(
  db: Db,
  orgId: string | null,
  rows: readonly Keyed[],
): Promise<{ kept: readonly Keyed[]; rejections: Rejection[] }> {
  if (!(await hasErasures(db))) return { kept: rows, rejections: [] };
  const hashed = rows.map((keyed) => ({ keyed, hashes: hashesOfRow(keyed.row) }));
  const erased = await findErased(
    db,
    orgId,
    hashed.flatMap(({ hashes }) => hashes),
  );
  const isErased = (hashes: readonly Buffer[]): boolean =>
    hashes.some((hash) => erased.has(hash.toString('hex')));
  return {
    kept: hashed.filter(({ hashes }) => !isErased(hashes)).map(({ keyed }) => keyed),
    rejections: hashed
      .filter(({ hashes }) => isErased(hashes))
      .map(({ keyed }) => ({ line: keyed.row.line, column: null, message: ERASED })),
  };
}

function hashesOfRow(row: LeadRow): Buffer[] {
  const fullName = row.fullName ?? [row.firstName, row.lastName].filter((name) => name !== null).join(' ');
  return hashesOfPerson({
    ...row,
    fullName,
    email: row.emails[0] ?? null,
    companyName: row.company.name,
    companyDomain: row.company.domain,
    phones: [],
  }).map(({ hash }) => hash);
}
