import { isUuid } from '@leadwell/shared/domain/ids';
import Joi from 'joi';

/** One UUID with dashes and without braces, in any case; becomes lower case. */
export const uuid = Joi.string()
  .custom((value: string, helpers) => (isUuid(value) ? value.toLowerCase() : helpers.error('uuid.form')))
  .messages({ 'uuid.form': 'must be a UUID' });

/**
 * A list of UUIDs; they become lower case, duplicates stay. The length is checked before the items, and the items by hand:
 * by joi, 25,000 bad ids block the process for 190 ms. Their faults come as one detail that lists the indexes
 * (validateInput unfolds it).
 */
export function idList(min: number, max: number): Joi.ArraySchema {
  return Joi.array()
    .min(min)
    .max(max)
    .custom((ids: unknown[], helpers) => {
      if (ids.length > max) return ids;
      const indexes = ids.flatMap((id, index) => (typeof id === 'string' && isUuid(id) ? [] : [index]));
      if (indexes.length > 0) return helpers.error('ids.form', { indexes });
      return (ids as string[]).map((id) => id.toLowerCase());
    })
    .messages({ 'ids.form': 'must be a UUID' });
}

/** Path parameters that are ids. */
export function idParams<Name extends string>(...names: Name[]): Joi.ObjectSchema<Record<Name, string>> {
  return Joi.object(Object.fromEntries(names.map((name) => [name, uuid.required()])));
}
