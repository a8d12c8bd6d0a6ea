import type { CompanyRow } from './lead-row';

/** Companies remembered at most, so that memory does not grow with the file. A forgotten one is merely decided anew. */
const MAX_COMPANIES = 100_000;

type Fields = ReadonlySet<keyof CompanyRow>;
const NONE: Fields = new Set();

/** Which fields of which companies earlier rows of one import have filled. */
export class CompanyDecisions {
  private readonly fieldsById = new Map<string, Fields>();

  fieldsOf(companyId: string): Fields {
    return this.fieldsById.get(companyId) ?? NONE;
  }

  /** Adds what a chunk decided. Only after its commit: a chunk that is run again must decide again. */
  add(decided: ReadonlyMap<string, Fields>): void {
    for (const [companyId, fields] of decided) {
      const known = this.fieldsById.get(companyId);
      this.fieldsById.delete(companyId);
      this.fieldsById.set(companyId, known ? new Set([...known, ...fields]) : fields);
    }
    for (const oldest of this.fieldsById.keys()) {
      if (this.fieldsById.size <= MAX_COMPANIES) break;
      this.fieldsById.delete(oldest);
    }
  }
}
