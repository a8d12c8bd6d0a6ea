import type { Adapter } from './adapter';
import * as adapters from './adapters';

/** Every provider that can be asked. A name belongs to one adapter for ever: lookups and attempts are stored with it. */
export const ADAPTERS: readonly Adapter[] = Object.values(adapters);

const byName = new Map(ADAPTERS.map((adapter) => [adapter.name, adapter]));

export function findAdapter(name: string): Adapter | undefined {
  return byName.get(name);
}

/** Throws where no adapter has the name. */
export function getAdapter(name: string): Adapter {
  const adapter = byName.get(name);
  if (!adapter) throw new Error(`There is no provider ${name}`);
  return adapter;
}
