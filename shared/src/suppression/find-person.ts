/**
 * Which leads are the person to be erased, and which of their hashes hold for whom. Erasing cannot be undone, and
 * organisations write what they like into their own leads: only what the operator named and what the shared directory holds
 * leads to further leads, and only that is suppressed for everybody. What one organisation's lead holds beside it is
 * suppressed for that organisation alone, or it could plant a stranger's address on a person who asks to be erased.
 */
import type { Db } from '../db/database';
import { AppError } from '../domain/errors';
import { hashesOfPerson, hashSuppressible, type SuppressionHash } from '../domain/suppression';
import { rankedKeysOf, type RankedKeys } from '../leads/identity';
import { listFoundValues, listLeadsAlike, listLeadsNamed, type ErasableLead } from '../repositories/erasures';
import type { NewSuppression } from '../repositories/suppressions';

/** Whom the operator names: one lead, or an address, both normalised. */
export type ErasureTarget = { leadId: string } | { email: string } | { linkedinUrl: string };

interface FoundValue {
  leadId: string;
  kind: 'email' | 'phone';
  value: string;
}

export interface FoundPerson {
  leads: readonly ErasableLead[];
  suppressions: NewSuppression[];
}

/**
 * More than anybody has in all organisations together, one lead or two in each; and few enough to be held in memory (some 30 MB
 * with all their hashes). What leads to more is an address of a function, which stands with everybody in the house.
 */
const FOUND_AT_MOST = 10_000;

/** Read at a time of what shares a key with the person: any number may, of which most are somebody else. */
const ALIKE_AT_ONCE = 10_000;

/**
 * The person's leads in every scope; none may be known. The hash of what was named is always given. Throws AppError CONFLICT where
 * what was named leads to more leads or values than one person can have. Reads all people and values: the caller allows long
 * statements.
 */
export async function findPerson(db: Db, target: ErasureTarget): Promise<FoundPerson> {
  const hashes = hashesOfTarget(target);
  const naming = {
    ids: 'leadId' in target ? [target.leadId] : [],
    linkedinHashes: 'linkedinUrl' in target ? hashes.map(({ hash }) => hash) : [],
    emails: 'email' in target ? [target.email] : [],
  };
  const named = bounded(await listLeadsNamed(db, naming, FOUND_AT_MOST + 1));
  const isTrusted = (lead: ErasableLead): boolean =>
    lead.orgId === null || ('leadId' in target && lead.id === target.leadId);
  const leads = await addAlike(db, named, named.filter(isTrusted));
  const ids = leads.map(({ id }) => id);
  const valuesOf = new Map(ids.map((id) => [id, [] as FoundValue[]]));
  for (const value of bounded(await listFoundValues(db, ids, FOUND_AT_MOST + 1)))
    valuesOf.get(value.leadId)?.push(value);
  const suppressions = leads.flatMap((lead) => {
    const orgId = isTrusted(lead) ? null : lead.orgId;
    return hashesOfLead(lead, valuesOf.get(lead.id) ?? []).map((hash) => ({ ...hash, orgId }));
  });
  return { leads, suppressions: [...hashes.map((hash) => ({ ...hash, orgId: null })), ...suppressions] };
}

/** Nothing is erased where it may be somebody else. */
function bounded<T>(found: readonly T[]): readonly T[] {
  if (found.length <= FOUND_AT_MOST) return found;
  throw new AppError(
    'CONFLICT',
    `What was named leads to more than ${FOUND_AT_MOST} leads or values, which is no one person: an address such as info@ perhaps. ` +
      'Nothing was erased. Name the person by LinkedIn profile or by lead.',
  );
}

function hashesOfTarget(target: ErasureTarget): SuppressionHash[] {
  if ('leadId' in target) return [];
  const hash =
    'email' in target
      ? hashSuppressible('email', target.email)
      : hashSuppressible('linkedin', target.linkedinUrl);
  return hash ? [hash] : [];
}

function hashesOfLead(lead: ErasableLead, values: readonly FoundValue[]): SuppressionHash[] {
  const found = values.map(({ kind, value }) => hashSuppressible(kind, value));
  return [...hashesOfPerson(lead), ...found.filter((hash) => hash !== null)];
}

/**
 * The named leads and those that the trusted ones of them show to be the same person. Only these are bounded: whoever writes
 * somebody's address onto thousands of leads with profiles of their own must not keep that person from being erased.
 */
async function addAlike(
  db: Db,
  named: readonly ErasableLead[],
  trusted: readonly ErasableLead[],
): Promise<readonly ErasableLead[]> {
  if (trusted.length === 0) return named;
  const namedIds = new Set(named.map(({ id }) => id));
  const known = trusted.map(keysOf);
  const isAnother = (lead: ErasableLead): boolean => {
    if (namedIds.has(lead.id)) return false;
    const theirs = keysOf(lead);
    return known.some((keys) => isSamePerson(keys, theirs));
  };
  const trustedIds = trusted.map(({ id }) => id);
  let found = named;
  let afterId: string | null = null;
  do {
    const page: ErasableLead[] = await listLeadsAlike(db, trustedIds, { afterId, limit: ALIKE_AT_ONCE });
    found = bounded([...found, ...page.filter(isAnother)]);
    afterId = page.length < ALIKE_AT_ONCE ? null : (page.at(-1)?.id ?? null);
  } while (afterId !== null);
  return found;
}

/** As the importer joins rows (docs/adr/0007): the strongest rank at which both have a key decides. */
function isSamePerson(one: RankedKeys, other: RankedKeys): boolean {
  for (const [rank, keys] of one.entries()) {
    const theirs = other[rank] ?? [];
    if (keys.length > 0 && theirs.length > 0) return keys.some((key) => theirs.includes(key));
  }
  return false;
}

function keysOf(lead: ErasableLead): RankedKeys {
  return rankedKeysOf(lead, { name: lead.companyName, domain: lead.companyDomain });
}
