import { readFileSync } from "node:fs";

declare const WEIR_VERSION: string | undefined;

/** Of Weir: put in where it was bundled, else as its manifest has it. */
export function version(): string {
  if (typeof WEIR_VERSION === "string") return WEIR_VERSION;
  const manifest = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
