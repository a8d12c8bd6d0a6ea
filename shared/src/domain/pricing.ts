import type { Field } from './enrichment';

/** Credits per new enrichment of each field. Fixed on the row at acceptance. */
export type Prices = Readonly<Record<Field, number>>;

/** What a debit or refund of a field is called in the history. */
export const OPERATION_OF_FIELD: Readonly<Record<Field, 'enrichment_email' | 'enrichment_phone'>> = {
  emails: 'enrichment_email',
  phones: 'enrichment_phone',
};
