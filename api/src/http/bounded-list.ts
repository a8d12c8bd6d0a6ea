import Joi from 'joi';

/**
 * A list whose length is checked before its items: a list that is too long has one fault, not one for every item, and
 * costs nothing to refuse.
 */
export function boundedList(item: Joi.Schema, min: number, max: number): Joi.Schema {
  const length = Joi.array().min(min).max(max);
  return Joi.when(length, { then: length.items(item), otherwise: length });
}
