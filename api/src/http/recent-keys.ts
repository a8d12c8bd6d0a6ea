/** The hashes of the keys that were valid when they were last seen; of more than `max`, those seen longest ago are forgotten. */
export class RecentKeys {
  private readonly hashes = new Set<string>();

  constructor(private readonly max: number) {}

  has(hash: Buffer | null): boolean {
    return hash !== null && this.hashes.has(hash.toString('base64'));
  }

  /** What a call with this key came to. A key that is refused, revoked since, is forgotten. */
  set(hash: Buffer | null, isValid: boolean): void {
    if (hash === null) return;
    const text = hash.toString('base64');
    this.hashes.delete(text);
    if (!isValid) return;
    this.hashes.add(text);
    const [oldest] = this.hashes;
    if (this.hashes.size > this.max && oldest !== undefined) this.hashes.delete(oldest);
  }
}
