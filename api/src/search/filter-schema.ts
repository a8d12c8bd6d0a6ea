import { validationError } from '@leadwell/shared/domain/errors';
import { foldWords } from '@leadwell/shared/domain/text-folding';
import Joi from 'joi';
import { boundedList } from '../http/bounded-list';
import { TEXT_MODES, type Filters } from './filters';

export type { Filters } from './filters';

/** More is a 400, never a timeout. */
const MAX_VALUES = 50;
const MAX_CHARACTERS = 100;
/** Of one TEXT filter: 50 values of ordinary words stay below; 1,800 single letters took 4 to 7 s over 200,000 leads. */
const MAX_WORDS = 1_000;

const searchText = Joi.string()
  .custom((value: string, helpers) => {
    if (value.includes('\0')) return helpers.error('text.nul');
    if (/\p{Surrogate}/u.test(value)) return helpers.error('text.surrogate');
    const isLong = value.length > MAX_CHARACTERS && [...value].length > MAX_CHARACTERS;
    return isLong ? helpers.error('text.long') : value;
  })
  .messages({
    'text.nul': 'holds a NUL character',
    'text.surrogate': 'holds half of a surrogate pair',
    'text.long': `must have at most ${MAX_CHARACTERS} characters`,
  });

const values = boundedList(searchText, 0, MAX_VALUES);
const text = Joi.object({ mode: Joi.valid(...TEXT_MODES), content: values }).messages({
  'object.base': `must be an object with content, a list of texts, and mode, one of ${TEXT_MODES.join(', ')}`,
});

/** A filter of at most 50 values in all its lists together. */
function bounded(schema: Joi.ObjectSchema): Joi.ObjectSchema {
  return schema
    .custom((filter: object, helpers) =>
      listValues(filter).length > MAX_VALUES ? helpers.error('filter.many') : filter,
    )
    .messages({ 'filter.many': `must have at most ${MAX_VALUES} values` });
}

/** And of at most 1,000 words: each is looked for in every field of the filter. */
function boundedText(schema: Joi.ObjectSchema): Joi.ObjectSchema {
  return bounded(schema)
    .custom((filter: object, helpers) =>
      hasManyWords(listValues(filter)) ? helpers.error('filter.words') : filter,
    )
    .messages({ 'filter.words': `must have at most ${MAX_WORDS} words in all its values together` });
}

/** What the schema refuses anyway may be anything: values are taken where they are, and nothing is thrown. */
function listValues(filter: object): unknown[] {
  return Object.values(filter).flatMap((part: unknown): unknown[] => {
    if (Array.isArray(part)) return part.length > MAX_VALUES ? [] : part;
    return typeof part === 'object' && part !== null ? listValues(part) : [];
  });
}

/** Stops at the first word too many: a character that folds to eighteen makes folding all of them dear. */
function hasManyWords(found: readonly unknown[]): boolean {
  let words = 0;
  return found.some((value) => {
    if (typeof value === 'string' && value.length <= 2 * MAX_CHARACTERS) words += foldWords(value).length;
    return words > MAX_WORDS;
  });
}

function groups(list: Joi.Schema): Joi.ObjectSchema {
  const group = Joi.object({ include: list, exclude: list }).messages({
    'object.base': 'must be an object with include or exclude',
  });
  return Joi.object({ all: group, any: group }).messages({
    'object.base': 'must be an object with any or all',
  });
}

const listFilter = bounded(groups(values));
const textFilter = boundedText(groups(text));
const periodFilter = bounded(Joi.object({ current: groups(values), previous: groups(values) }));
const employees = Joi.number().integer().min(0);
const rangeFilter = Joi.object({
  range: Joi.object({
    start: employees,
    end: employees.when('start', {
      is: Joi.number().required(),
      then: Joi.number().min(Joi.ref('start')).messages({ 'number.min': 'must not be below start' }),
    }),
  }),
});

/** An unknown field is told which there are. */
function onlyThese(keys: Joi.SchemaMap): Joi.ObjectSchema {
  return Joi.object(keys).messages({
    'object.unknown': `is not allowed; there are ${Object.keys(keys).join(', ')}`,
  });
}

export const contactSchema = onlyThese({
  fullName: textFilter,
  jobTitle: textFilter,
  seniority: listFilter,
  departmentAndFunction: listFilter,
  location: listFilter,
  company: periodFilter,
  skill: textFilter,
  language: textFilter,
  keyword: textFilter,
  socialMediaLink: listFilter,
  hasEmail: Joi.boolean(),
  hasPhone: Joi.boolean(),
});

export const accountSchema = onlyThese({
  nameOrDomain: textFilter,
  industry: listFilter,
  location: listFilter,
  employeeSize: rangeFilter,
});

/** The filters of a search. Unknown fields are faults, and so is what PostgreSQL could not store. */
export const filtersSchema = onlyThese({ contact: contactSchema, account: accountSchema });

/**
 * Throws VALIDATION_ERROR where a search that begins behind its first row filters by what enrichment changes: the rows
 * before would be others than those the client saw.
 */
export function assertStableRange(filters: Filters, offset: number, path: string): void {
  const { hasEmail, hasPhone } = filters.contact ?? {};
  if (offset === 0 || (hasEmail === undefined && hasPhone === undefined)) return;
  throw validationError([
    { path, message: 'must be 0 with hasEmail or hasPhone, which change as enrichment goes on' },
  ]);
}
