const { WEIR_SEED, WEIR_SEEDS } = process.env;
const first = Number(WEIR_SEED ?? (WEIR_SEEDS === undefined ? 1 : Date.now() % 1_000_000));

/** Those of a usual run. `WEIR_SEEDS=500` takes as many new ones, `WEIR_SEED=7` that one. */
export function seeds(usual: number): number[] {
  const count = WEIR_SEED === undefined ? Number(WEIR_SEEDS ?? usual) : 1;
  return Array.from({ length: count }, (_, i) => first + i);
}

/** Every other seed has what rotation leaves within the glob. */
export function globOf(seed: number): string {
  return seed % 2 === 0 ? "*.log" : "*.log*";
}
