/** Reading what a stranger sent: nothing here throws, whatever the value is, and only own properties count. */

/** An own property of an object; undefined for anything else. */
export function property(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

/** Whether a value is an object with this own property, whatever it holds. */
export function hasProperty(value: unknown, name: string): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name);
}

/** A property of a property, and so on. */
export function propertyAt(value: unknown, ...path: string[]): unknown {
  return path.reduce(property, value);
}

/** The items of an array; nothing for anything else. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** As readCost, of a header. */
export function readCostHeader(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,7}(\.\d{1,4})?$/.test(text) ? readCost(Number(text)) : null;
}

/** What a provider says it charged; null where it says nothing that can be a charge. */
export function readCost(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value <= 1_000_000 ? value : null;
}
