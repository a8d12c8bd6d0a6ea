/** The middle of the values. Throws where there are none: a median of nothing is a broken measurement. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The value that so many percent of the values do not exceed, by linear interpolation between neighbours. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (percent / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new Error('Nothing was measured.');
  return below + (above - below) * (place - Math.floor(place));
}

/** How two contenders compare. */
export interface Ratio {
  /** Median of the one by median of the other. */
  value: number;
  measured: number;
  reference: number;
  /** The lowest and the highest ratio of a single round: the spread. */
  low: number;
  high: number;
}

/** Compares two contenders by the samples of the same rounds, in their order. */
export function ratioOf(measured: readonly number[], reference: readonly number[]): Ratio {
  const rounds = measured.map((value, round) => value / (reference[round] as number));
  const [over, under] = [median(measured), median(reference)];
  return {
    value: over / under,
    measured: over,
    reference: under,
    low: Math.min(...rounds),
    high: Math.max(...rounds),
  };
}

/** The slope of the least-squares line through the points, in units of y for one of x; 0 for fewer than two. */
export function slopeOf(points: readonly { x: number; y: number }[]): number {
  const mean = (pick: (point: { x: number; y: number }) => number): number =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const together = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  return spread === 0 || points.length < 2 ? 0 : together / spread;
}
