/** Every fault by name, with how often it is drawn. What each does stands in inject.ts. */
export type BackendName = 'redis' | 'postgres';

const WEIGHTS = {
  'worker-kill': 30,
  'worker-pause': 3,
  'api-kill': 8,
  'postgres-restart': 2,
  'postgres-terminate': 3,
  'postgres-silent': 1,
  'commit-cut': 5,
  'provider-faults': 5,
  latency: 3,
} as const;

const REDIS_WEIGHTS = { 'redis-restart': 3, 'redis-flush': 3, 'redis-silent': 2, 'redis-away': 2 } as const;

export type FaultName = keyof typeof WEIGHTS | keyof typeof REDIS_WEIGHTS;

/** The faults that make sense with the queue there, with their weights. */
export function faultWeights(backend: BackendName): Partial<Record<FaultName, number>> {
  return backend === 'redis' ? { ...WEIGHTS, ...REDIS_WEIGHTS } : WEIGHTS;
}

export function listFaults(backend: BackendName): FaultName[] {
  return Object.keys(faultWeights(backend)) as FaultName[];
}

export function isFaultName(name: string, backend: BackendName): name is FaultName {
  return listFaults(backend).some((known) => known === name);
}
