/** What the importer knows of a row before it meets the database. */
import type { CompanyProfile, LeadProfile } from '../domain/lead-profile';

/** A company as one row describes it; null: the row says nothing. */
export type CompanyRow = { [K in keyof CompanyProfile]: CompanyProfile[K] | null };

/** A lead as one row describes it, checked and cleaned; null or an empty list: the row says nothing. */
export interface LeadRow extends Omit<LeadProfile, 'fullName'> {
  /** Where the row begins in its file, from 1. */
  line: number;
  fullName: string | null;
  company: CompanyRow;
}

/** A row that was not imported, and what to do about it. */
export interface Rejection {
  /** Where the row begins in its file, from 1. */
  line: number;
  /** The column (CSV) or path (NDJSON) at fault, as the file writes it; null where it is the row as a whole. */
  column: string | null;
  /** One sentence for a person, remedy included. */
  message: string;
  /** Whether nothing from this line on was read. */
  isRestUnread?: true;
}

/** What a reader makes of each row. */
export type ReadRow = { lead: LeadRow } | { rejection: Rejection };
