import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** @returns the SHA-256 of a file's bytes, in hex */
export function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
