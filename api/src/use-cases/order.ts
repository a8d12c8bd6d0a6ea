import type { AppError } from '@leadwell/shared/domain/errors';
import type { Field, Priority } from '@leadwell/shared/domain/enrichment';
import type { selectLeads } from '../search/select-leads';

/** The filters of a search, checked. */
export type Filters = Parameters<typeof selectLeads>[1]['filters'];

/** Explicit leads, distinct, in lower case. */
export interface ManualSelection {
  mode: 'manual';
  leadIds: readonly string[];
  /** What the caller is told of ids that are no visible lead. */
  refuse(unknownLeadIds: ReadonlySet<string>): AppError;
}

/** A range of a search, minus what is excluded; what is excluded is not replaced. */
export interface BulkSelection {
  mode: 'bulk';
  filters: Filters;
  startIndex: number;
  targetCount: number;
  excludedIds: readonly string[];
}

/** The leads of an earlier request whose rows, as it lists them, failed, timed out or were cancelled. */
export interface RetrySelection {
  mode: 'retry';
  requestId: string;
}

/** What a client orders: these leads, this field, on these terms. */
export interface Order {
  orgId: string;
  userName: string;
  selection: ManualSelection | BulkSelection | RetrySelection;
  field: Field;
  priority: Priority;
  retryNotFound: boolean;
  /** Refuse when the price would exceed it; null: no limit but the balance. */
  maxCredits: number | null;
  idempotency: { key: string; fingerprint: Buffer } | null;
}
