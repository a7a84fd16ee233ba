/**
 * The smallest of the values that is not below `percent` % of them (nearest rank): always one that was measured.
 * `undefined` for none.
 *
 * @param percent above 0, up to 100
 */
export function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1];
}
