import { rankedKeysOf, type RankedKeys } from './identity';
import type { CompanyProfile, LeadProfile } from '../domain/lead-profile';
import { isSameProfile } from './merge';

/** A company that the chunk touches: as stored (null: new) and as it shall be. */
export interface PlannedCompany {
  readonly id: string;
  readonly key: string;
  readonly stored: CompanyProfile | null;
  profile: CompanyProfile;
}

/** A lead that the chunk touches: as stored (null: new) and as it shall be. */
export interface PlannedLead {
  readonly id: string;
  readonly stored: { profile: LeadProfile; companyId: string | null } | null;
  profile: LeadProfile;
  company: PlannedCompany | null;
}

/** The keys of a lead as it is now planned. */
export function keysOfLead(lead: PlannedLead): RankedKeys {
  return rankedKeysOf(lead.profile, lead.company?.profile ?? null);
}

/** Whether a key of a higher rank than `rank` tells the row from the lead: both have one, and none in common. */
export function isParted(row: RankedKeys, lead: PlannedLead, rank: number): boolean {
  if (rank === 0) return false;
  const leads = keysOfLead(lead);
  return row.slice(0, rank).some((ofRank, higher) => {
    const theirs = leads[higher] ?? [];
    return ofRank.length > 0 && theirs.length > 0 && !ofRank.some((key) => theirs.includes(key));
  });
}

/** Whether the company is new, or shall be other than it is stored. */
export function isChangedCompany(company: PlannedCompany): boolean {
  return !company.stored || !isSameProfile(company.stored, company.profile);
}

/** Whether the lead is new, or what is stored of it and copied from its company shall be other. */
export function isChangedLead({ stored, profile, company }: PlannedLead): boolean {
  if (!stored || (company?.id ?? null) !== stored.companyId) return true;
  return !isSameProfile(stored.profile, profile) || (company !== null && isChangedCompany(company));
}
