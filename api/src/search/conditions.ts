import { joinQueries, type Match } from './text-match';

/** Conditions over `people_search p`, with the values they name: leads that meet all the wanted ones and none of the dropping ones. */
export class Conditions {
  private readonly wanted: string[] = [];
  private readonly either: [first: string, otherwise: string][] = [];
  private readonly dropping: string[] = [];
  readonly bindings: Record<string, unknown> = {};

  /** All conditions as one; `TRUE` where there is none. */
  get sql(): string {
    return [this.wantedSql, ...this.dropping.map((condition) => `NOT (${condition})`)].join(' AND ');
  }

  /** What a lead must meet before anything drops it; `TRUE` where there is nothing. */
  get wantedSql(): string {
    const either = this.either.map(([first, otherwise]) => `(${first} OR ${otherwise})`);
    return [...this.wanted, ...either].join(' AND ') || 'TRUE';
  }

  /** The same as conditions of which a lead meets one or none. */
  get wantedParts(): string[] {
    const rest = this.wanted.join(' AND ') || 'TRUE';
    return this.either.reduce(
      (parts, [first, otherwise]) =>
        parts.flatMap((part) => [`${part} AND ${first}`, `${part} AND NOT ${first} AND ${otherwise}`]),
      [rest],
    );
  }

  /** What drops a lead; null where nothing does. */
  get droppingSql(): string | null {
    return this.dropping.map((condition) => `(${condition})`).join(' OR ') || null;
  }

  add(condition: string): void {
    this.wanted.push(condition);
  }

  /** One of both. Joined by OR, the second would be looked up lead by lead; counted apart, for all at once. */
  addEither(first: string, otherwise: string): void {
    this.either.push([first, otherwise]);
  }

  /** Gives the placeholder of a value. */
  bind(value: unknown): string {
    const name = `f${Object.keys(this.bindings).length}`;
    this.bindings[name] = value;
    return `:${name}`;
  }

  /** Every one must match. A value that holds nothing to search for is matched by no lead. */
  includeAll(matches: readonly Match[]): void {
    if (matches.length > 0) this.add(this.every(matches) ?? 'FALSE');
  }

  /** At least one must match. */
  includeAny(matches: readonly Match[]): void {
    if (matches.length > 0) this.add(this.some(matches) ?? 'FALSE');
  }

  /** Drops a lead that matches every one. */
  excludeAll(matches: readonly Match[]): void {
    const condition = matches.length > 0 ? this.every(matches) : null;
    if (condition !== null) this.dropping.push(condition);
  }

  /** Drops a lead that matches at least one. */
  excludeAny(matches: readonly Match[]): void {
    const condition = this.some(matches);
    if (condition !== null) this.dropping.push(condition);
  }

  /** Null: no lead matches every one. */
  private every(matches: readonly Match[]): string | null {
    const { terms, words, isAnyEmpty } = split(matches);
    if (isAnyEmpty) return null;
    const single = terms.filter((alternatives) => alternatives.length === 1).flat();
    const several = terms.filter((alternatives) => alternatives.length > 1);
    return [
      ...(single.length > 0 ? [`p.terms @> search_terms(${this.bind(single)}::text[])`] : []),
      ...several.map((alternatives) => `p.terms && search_terms(${this.bind(alternatives)}::text[])`),
      ...(words.length > 0 ? [this.hasWords(joinQueries(words, '&'))] : []),
    ].join(' AND ');
  }

  /** Null: no lead matches any. */
  private some(matches: readonly Match[]): string | null {
    const { terms, words } = split(matches);
    const conditions = [
      ...(terms.length > 0 ? [`p.terms && search_terms(${this.bind(terms.flat())}::text[])`] : []),
      ...(words.length > 0 ? [this.hasWords(joinQueries(words, '|'))] : []),
    ];
    return conditions.length > 0 ? `(${conditions.join(' OR ')})` : null;
  }

  private hasWords(tsquery: string): string {
    return `p.words @@ ${this.bind(tsquery)}::tsquery`;
  }
}

function split(matches: readonly Match[]) {
  const filled = matches.filter((match) => match !== null);
  return {
    terms: filled.flatMap((match) => ('terms' in match ? [match.terms] : [])),
    words: filled.flatMap((match) => ('words' in match ? [match.words] : [])),
    isAnyEmpty: filled.length < matches.length,
  };
}
