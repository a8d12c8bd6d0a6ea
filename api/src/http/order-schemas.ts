import { FIELDS, PRIORITIES, type Field, type Priority } from '@leadwell/shared/domain/enrichment';
import Joi from 'joi';
import { filtersSchema } from '../search/filter-schema';
import type { Filters } from '../use-cases/order';
import { idList } from './id-schemas';

/** What an order may say beside its leads and field. */
export interface Terms {
  maxCredits?: number;
  priority: Priority;
  retryNotFound: boolean;
}

export type SelectionBody =
  | { mode: 'manual'; includedIds: string[] }
  | {
      mode: 'bulk';
      startIndex: number;
      targetCount: number;
      filters: Filters;
      excludedIds?: string[];
    };

export interface BulkBody extends Terms {
  selection: SelectionBody;
  field: Field;
}

export interface BatchBody extends Terms {
  personIds: string[];
  field: Field;
}

export const fieldSchema = Joi.valid(...FIELDS).required();

const termSchemas = {
  maxCredits: Joi.number().integer().min(0),
  priority: Joi.valid(...PRIORITIES).default('normal'),
  retryNotFound: Joi.boolean().default(false),
};

/** Fields of the other mode are faults; while the mode itself is one, nobody knows which the other is. */
function inMode(mode: 'manual' | 'bulk', schema: Joi.Schema): Joi.Schema {
  const other = mode === 'manual' ? 'bulk' : 'manual';
  return Joi.when('mode', {
    switch: [
      { is: mode, then: schema },
      { is: other, then: Joi.forbidden() },
    ],
  });
}

const FIRST_ONLY = Joi.valid(0).messages({
  'any.only': 'must be 0 with hasEmail or hasPhone, which change as enrichment goes on',
});

/** Behind a changing filter, the rows before the index would be others than those the client saw. */
const startIndexSchema = Joi.number()
  .integer()
  .min(0)
  .max(1_000_000)
  .required()
  .when('filters.contact.hasEmail', { is: Joi.exist(), then: FIRST_ONLY })
  .when('filters.contact.hasPhone', { is: Joi.exist(), then: FIRST_ONLY });

const selectionSchema = Joi.object({
  mode: Joi.valid('manual', 'bulk').required(),
  includedIds: inMode('manual', idList(1, 1000).required()),
  startIndex: inMode('bulk', startIndexSchema),
  targetCount: inMode('bulk', Joi.number().integer().min(1).max(1000).required()),
  filters: inMode('bulk', filtersSchema.required()),
  excludedIds: inMode('bulk', idList(0, 10_000)),
});

export const bulkBodySchema = Joi.object({
  selection: selectionSchema.required(),
  field: fieldSchema,
  ...termSchemas,
}).required();

export const batchBodySchema = Joi.object({
  personIds: idList(1, 100).required(),
  field: fieldSchema,
  ...termSchemas,
}).required();

/** A retry says nothing of leads or field: the earlier request does. The terms are its own. */
export const retryBodySchema = Joi.object(termSchemas);

export const dryRunSchema = Joi.boolean().default(false);

/** 1 to 255 printable ASCII characters: what a log line and a support mail can quote. */
export const idempotencyKeySchema = Joi.string()
  .min(1)
  .max(255)
  .pattern(/^[\x20-\x7e]+$/, 'printable ASCII characters');
