const FACTORS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** A size as Fluentd has it, such as 8m; undefined where it is none, as -1 for no limit is. */
export function byteCount(text = ""): number | undefined {
  const [, amount, unit = ""] = /^(\d+)([kmgt]?)$/i.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * FACTORS[unit.toLowerCase()]!;
}
