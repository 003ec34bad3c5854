/** So many digits a double holds of any number. */
const DOUBLE_DIGITS = 15;

/** TypeScript's library does not have it yet. */
const raw = JSON as unknown as { rawJSON(text: string): unknown };

/** JSON in which numbers keep all their digits: those that a double does not hold are `JSON.rawJSON`. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, { source }: { source?: string } = {}) =>
    typeof value === "number" && source !== undefined && digitsOf(source) > DOUBLE_DIGITS
      ? raw.rawJSON(source)
      : value,
  );
}

const digitsOf = (source: string): number =>
  source.replace(/e.*$/i, "").replaceAll(/[-.]/g, "").replace(/^0+/, "").length;
