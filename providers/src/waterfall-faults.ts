import type { Field } from '@leadwell/shared/domain/enrichment';
import { ADAPTERS, findAdapter } from './registry';

/** Everything that is wrong with an order of providers for a field, a sentence each; empty where nothing is. */
export function listWaterfallFaults(field: Field, names: readonly string[]): string[] {
  if (names.length === 0) return [`${field}: name at least one provider.`];
  return [...new Set(names.flatMap((name, index) => faultsOf(field, name, names.indexOf(name) < index)))];
}

function faultsOf(field: Field, name: string, isRepeated: boolean): string[] {
  const adapter = findAdapter(name);
  if (isRepeated) return [`${field}: ${name} is named twice; a provider has one turn.`];
  if (adapter?.fields[field]) return [];
  const known = ADAPTERS.filter(({ fields }) => fields[field]).map((one) => one.name);
  const said = adapter ? `${name} does not serve ${field}` : `"${name}" is no known provider`;
  return [`${field}: ${said}; known for ${field} are ${known.join(', ')}.`];
}
