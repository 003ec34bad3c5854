import { inspect } from "node:util";

/** A part of the configuration as it may stand in weir.config.ts: what is not set is left out. */
export function settingText(value: unknown): string {
  const plain: unknown = JSON.parse(JSON.stringify(value));
  return inspect(plain, { depth: 8, breakLength: 96, compact: 3, maxArrayLength: 50, maxStringLength: 500 });
}
