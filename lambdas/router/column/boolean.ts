import { Misfit, shown } from "../misfit.ts";

/** The texts that Redshift takes for booleans, and on and off. source: Redshift Boolean type reference, read 2026-11 */
const TRUE = new Set(["true", "t", "yes", "y", "on", "1"]);
const FALSE = new Set(["false", "f", "no", "n", "off", "0"]);

export function writeBoolean(value: unknown): string | null | Misfit {
  if (typeof value === "boolean") return `${value}`;
  if (value === "") return null;
  if (typeof value === "string" || typeof value === "number") {
    const text = `${value}`.toLowerCase();
    if (TRUE.has(text)) return "true";
    if (FALSE.has(text)) return "false";
  }
  return new Misfit("type", `${shown(value)} is not a boolean`);
}
