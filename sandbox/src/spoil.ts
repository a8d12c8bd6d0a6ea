/** A proper answer, spoiled. */

/** Other types at every place: what was text is a number, what was a number is text, what was nothing is an object. */
export function swapTypes(value: unknown): unknown {
  if (typeof value === 'string') return value.length;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'bigint') return [];
  if (typeof value === 'boolean') return value ? 'yes' : 0;
  if (value === null) return {};
  if (Array.isArray(value)) return Object.fromEntries(value.map((item, i) => [i, swapTypes(item)]));
  return mapObject(value as object, (_, part) => swapTypes(part));
}

/** An address or a number, whatever its name; a date is neither, and an id of 19 digits is no number. */
const VALUE = /^[^\s@]+@[^\s@]+\.[^\s@]+$|^(?!\d{4}-\d\d-\d\d)\+?\d[\d ().-]{7,16}$/;

/** Every address and number masked, every `revealed` false. */
export function maskValues(value: unknown): unknown {
  if (typeof value === 'string' && VALUE.test(value)) return value.replace(/[^@+.](?=[^@]*(@|$))/g, '*');
  if (Array.isArray(value)) return value.map(maskValues);
  if (typeof value !== 'object' || value === null) return value;
  return mapObject(value, (name, part) => {
    if (name === 'revealed') return false;
    return maskValues(part);
  });
}

/** Every array of a bulk answer without its second, fourth, … item. */
export function withoutEveryOther(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.filter((_, i) => i % 2 === 0);
  return mapObject(value, (_, part) => (Array.isArray(part) ? withoutEveryOther(part) : part));
}

function mapObject(value: object, change: (name: string, part: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, change(name, part)]));
}
