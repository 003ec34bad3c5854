const SECONDS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3_600, d: 86_400 };

/** A time as Fluentd has it, such as 5s; undefined where it is none. */
export function milliseconds(interval = ""): number | undefined {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(interval) ?? [];
  return amount === undefined ? undefined : Math.round(Number(amount) * SECONDS[unit]! * 1_000);
}
