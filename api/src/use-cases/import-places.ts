import { AppError } from '@leadwell/shared/domain/errors';

/**
 * The imports that one process runs at a time. Each keeps a database connection for as long as its file arrives, and all
 * write behind one lock: more of them at once are not faster, and would starve every other call of connections.
 */
export class ImportPlaces {
  private readonly takenBy = new Set<string>();

  constructor(private readonly places: number) {}

  /** A third of a pool, at least one. */
  static ofPool(connections: number): ImportPlaces {
    return new ImportPlaces(Math.max(1, Math.floor(connections / 3)));
  }

  /**
   * Takes a place for an organisation, one at most; gives what frees it. Throws CONFLICT where the organisation has one, and
   * RATE_LIMITED where none is free; both say when to try again.
   */
  take(orgId: string): () => void {
    if (this.takenBy.has(orgId)) {
      throw new AppError(
        'CONFLICT',
        'An import of this organisation is under way. Import one file at a time.',
        {
          retryAfterSeconds: 5,
        },
      );
    }
    if (this.takenBy.size >= this.places) {
      throw new AppError('RATE_LIMITED', 'Other imports take all places now. Try again in a moment.', {
        retryAfterSeconds: 10,
      });
    }
    this.takenBy.add(orgId);
    return () => void this.takenBy.delete(orgId);
  }
}
