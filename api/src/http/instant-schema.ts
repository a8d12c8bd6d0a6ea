import Joi from 'joi';

const ISO_8601 = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?<zone>Z|[+-]\d{2}:?\d{2})?)?$/;

/** An ISO 8601 date or time as text; becomes a Date. Without a zone it is UTC, wherever the server stands. */
export const instant = Joi.string()
  .custom((text: string, helpers) => {
    const match = ISO_8601.exec(text);
    const isLocal = text.includes('T') && match?.groups?.zone === undefined;
    const date = new Date(isLocal ? `${text}Z` : text);
    if (!match || Number.isNaN(date.getTime())) return helpers.error('instant.form');
    return isDay(text.slice(0, 10)) ? date : helpers.error('instant.day');
  })
  .messages({
    'instant.form': 'must be an ISO 8601 date or time, such as 2026-01-31T00:00:00.000Z',
    'instant.day': 'must be a day that its month has',
  });

/** JavaScript makes the second of March of the thirtieth of February. */
function isDay(text: string): boolean {
  return new Date(text).toISOString().startsWith(text);
}
