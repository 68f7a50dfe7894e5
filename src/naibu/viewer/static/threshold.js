// A threshold as it is shown and sent: with no more digits than it needs to part what it is to part.
// @ts-check

/**
 * Return a number near another, with three digits or as many more as let it lie above one bound and below the other.
 * @param {number} value @param {number} low @param {number} high
 */
export function rounded(value, low, high) {
  for (let digits = 3; digits <= 17; digits++) {
    const found = Number(value.toPrecision(digits));
    if (found > low && found < high) return found;
  }
  return value;
}
