import { newId } from '../domain/ids';
import type { CompanyDecisions } from './company-decisions';
import { companyKeyOf, FIRST_NAME_RANK, foldCompany, type RankedKeys } from './identity';
import type { CompanyRow, LeadRow, Rejection } from './lead-row';
import { BLANK_PROFILE, isSameProfile, mergeCompany, mergeLead } from './merge';
import {
  isChangedCompany,
  isChangedLead,
  isParted,
  keysOfLead,
  type PlannedCompany,
  type PlannedLead,
} from './planned-lead';

/** What the database knows of the leads and companies that a chunk's rows name. */
export interface KnownLeads {
  leads: readonly PlannedLead[];
  /** Identity key → lead id. */
  owners: ReadonlyMap<string, string>;
  companies: readonly PlannedCompany[];
}

/** How many rows did what. */
export interface ImportCounts {
  inserted: number;
  updated: number;
  unchanged: number;
  rejected: number;
}

interface Placed {
  lead: PlannedLead;
  hasChanged: boolean;
}

/**
 * Decides in memory, row by row in order, what a chunk does: each row meets what the database knows and what the rows
 * before it made of that. Pure but for new ids; nothing is written.
 */
export class ChunkPlan {
  readonly rejections: Rejection[] = [];
  /** Keys that no lead had, with their new owner. */
  readonly newKeys = new Map<string, PlannedLead>();
  /** Which company fields this chunk's rows filled. */
  readonly decided = new Map<string, Set<keyof CompanyRow>>();
  private readonly leadsById = new Map<string, PlannedLead>();
  private readonly companiesByKey = new Map<string, PlannedCompany>();
  private readonly placed: Placed[] = [];

  constructor(
    private readonly known: KnownLeads,
    private readonly earlier: CompanyDecisions,
  ) {
    for (const lead of known.leads) this.leadsById.set(lead.id, lead);
    for (const company of known.companies) this.companiesByKey.set(company.key, company);
  }

  /** Places one row: on the lead that its keys name, or on a new one; or rejects it. */
  add(row: LeadRow, keys: RankedKeys): void {
    const found = this.findLead(keys);
    const conflict = found ? this.findConflict(keys, found) : null;
    if (conflict !== null) {
      this.rejections.push({ line: row.line, column: null, message: conflictMessage(conflict) });
      return;
    }
    const lead = found ?? this.createLead();
    const hasChanged = this.apply(row, lead);
    this.placed.push({ lead, hasChanged });
    this.claimKeys(keys.flat(), lead);
    if (hasChanged) this.claimKeys(keysOfLead(lead).flat(), lead);
  }

  /** New leads, in the order of the rows that made them. */
  listNewLeads(): PlannedLead[] {
    return [...this.leadsById.values()].filter((lead) => !lead.stored);
  }

  /** Stored leads that the chunk changes, or whose company it changes. */
  listChangedLeads(): PlannedLead[] {
    return [...this.leadsById.values()].filter((lead) => lead.stored && isChangedLead(lead));
  }

  listNewCompanies(): PlannedCompany[] {
    return [...this.companiesByKey.values()].filter((company) => !company.stored);
  }

  listChangedCompanies(): PlannedCompany[] {
    return [...this.companiesByKey.values()].filter((company) => company.stored && isChangedCompany(company));
  }

  /** Every row counted once. Rows of a stored lead that is in the end as it was changed nothing. */
  count(): ImportCounts {
    const counts = { inserted: 0, updated: 0, unchanged: 0, rejected: this.rejections.length };
    const seen = new Set<PlannedLead>();
    for (const { lead, hasChanged } of this.placed) {
      if (!lead.stored && !seen.has(lead)) counts.inserted++;
      else if (hasChanged && (!lead.stored || isChangedLead(lead))) counts.updated++;
      else counts.unchanged++;
      seen.add(lead);
    }
    return counts;
  }

  private ownerOf(key: string): PlannedLead | undefined {
    const storedId = this.known.owners.get(key);
    return storedId === undefined ? this.newKeys.get(key) : this.leadsById.get(storedId);
  }

  /** The owner of the strongest key that is known, unless a stronger one says that it is somebody else. */
  private findLead(keys: RankedKeys): PlannedLead | undefined {
    for (const [rank, ofRank] of keys.entries()) {
      for (const key of ofRank) {
        const owner = this.ownerOf(key);
        if (owner && !isParted(keys, owner, rank)) return owner;
      }
    }
    return undefined;
  }

  /**
   * A key of the row that belongs to another lead than the one found. What the found lead is stored with does not
   * count (a namesake's name, a shared mailbox), nor a name whose owner a stronger key tells apart.
   */
  private findConflict(keys: RankedKeys, found: PlannedLead): string | null {
    let own: string[] | undefined;
    for (const [rank, ofRank] of keys.entries()) {
      for (const key of ofRank) {
        const owner = this.ownerOf(key);
        if (!owner || owner === found) continue;
        own ??= keysOfLead(found).flat();
        if (own.includes(key)) continue;
        if (rank < FIRST_NAME_RANK || !isParted(keys, owner, rank)) return key;
      }
    }
    return null;
  }

  private createLead(): PlannedLead {
    const lead: PlannedLead = { id: newId(), stored: null, profile: BLANK_PROFILE, company: null };
    this.leadsById.set(lead.id, lead);
    return lead;
  }

  /** Merges the row into the lead and its company. Whether that changed anything. */
  private apply(row: LeadRow, lead: PlannedLead): boolean {
    const before = { profile: lead.profile, company: lead.company };
    lead.profile = mergeLead(lead.profile, row);
    lead.company = this.placeCompany(row.company, lead.company);
    const companyBefore = lead.company?.profile;
    if (lead.company) this.applyCompany(row.company, lead.company);
    return (
      lead.company !== before.company ||
      lead.company?.profile !== companyBefore ||
      !isSameProfile(lead.profile, before.profile)
    );
  }

  /** The company that a row means, given the one its lead has. */
  private placeCompany(row: CompanyRow, current: PlannedCompany | null): PlannedCompany | null {
    const key = companyKeyOf(row);
    if (key === null) return current;
    const isCurrentByName =
      current !== null && row.name !== null && foldCompany(current.profile.name) === foldCompany(row.name);
    // A name without a domain does not take away the domain that is known.
    if (isCurrentByName && row.domain === null) return current;
    const known = this.companiesByKey.get(key);
    if (known) return known;
    // A domain now given to a company known by name alone: what is known of it goes along.
    const basis = isCurrentByName && current.profile.domain === null ? current.profile : row;
    const name = row.name ?? row.domain ?? '';
    const created: PlannedCompany = {
      id: newId(),
      key,
      stored: null,
      profile: { ...basis, name, domain: row.domain },
    };
    this.companiesByKey.set(key, created);
    return created;
  }

  private applyCompany(row: CompanyRow, company: PlannedCompany): void {
    const now = this.decided.get(company.id) ?? new Set();
    const earlier = this.earlier.fieldsOf(company.id);
    const merged = mergeCompany(company.profile, row, (field) => now.has(field) || earlier.has(field));
    if (!isSameProfile(merged, company.profile)) company.profile = merged;
    for (const field of Object.keys(row) as (keyof CompanyRow)[]) {
      if (row[field] !== null) now.add(field === 'employeesMax' ? 'employeesMin' : field);
    }
    this.decided.set(company.id, now);
  }

  /** A key that is already another's stays with it. */
  private claimKeys(keys: readonly string[], lead: PlannedLead): void {
    for (const key of keys) {
      if (!this.known.owners.has(key) && !this.newKeys.has(key)) this.newKeys.set(key, lead);
    }
  }
}

function conflictMessage(key: string): string {
  const kind = key.slice(0, key.indexOf(':'));
  const said = { linkedin: 'LinkedIn profile', email: 'e-mail address' }[kind] ?? 'name and company';
  return `The row names two different leads: its ${said} belongs to another one than the rest; correct it or leave it blank.`;
}
