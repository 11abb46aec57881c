// What a kernel's shape says without naming an operator: the same shares of energy as in the report's table.

/**
 * Parts of a kernel's energy (the sum of its squared weights) that add up to 1: `dc`, its mean; of the rest
 * `odd`, what changes sign when turned by half a turn, and `even`, what stays. `vertical` and `horizontal`:
 * parts of the mean-free energy that are the same along columns, along rows. null where there is no energy.
 */
export function energyShares(kernel, size) {
  const count = size ** 2;
  let energy = 0;
  let mean = 0;
  for (const value of kernel) {
    energy += value ** 2;
    mean += value / count;
  }
  if (!Number.isFinite(energy) || energy === 0) {
    return { dc: null, odd: null, even: null, vertical: null, horizontal: null };
  }
  let odd = 0;
  let even = 0;
  const columns = new Float64Array(size);
  const rows = new Float64Array(size);
  for (let index = 0; index < count; index++) {
    const free = kernel[index] - mean;
    const turned = kernel[count - 1 - index] - mean;
    odd += ((free - turned) / 2) ** 2;
    even += ((free + turned) / 2) ** 2;
    columns[index % size] += free / size;
    rows[Math.floor(index / size)] += free / size;
  }
  const free = odd + even;
  const axis = (means) => (free <= 1e-12 * energy ? null : (size * means.reduce((sum, value) => sum + value ** 2, 0)) / free);
  return {
    dc: (count * mean ** 2) / energy,
    odd: odd / energy,
    even: even / energy,
    vertical: axis(columns),
    horizontal: axis(rows),
  };
}
