import { Misfit, shown } from "../misfit.ts";

/** The texts Redshift takes for booleans. source: Redshift Boolean type reference, read 2026-11 */
const TRUE = new Set(["true", "t", "yes", "y", "1"]);
const FALSE = new Set(["false", "f", "no", "n", "0"]);

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
