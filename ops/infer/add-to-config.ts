import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import type { WeirConfig } from "../../wire/config.ts";
import { AccessError } from "../access/access-error.ts";

/** Where a configuration begins its types, as the sample has it. */
const TYPES = /^ {2}types: \[\n/gm;

/**
 * Adds a type to a configuration, before the others: the first type that takes a tag wins. The file is replaced only by
 * one that was read with the type in it, and with all others as they were.
 *
 * @returns what was done
 * @throws AccessError BAD_REQUEST where that cannot be done safely
 */
export async function addToConfig(
  file: string,
  name: string,
  text: string,
  loadConfig: (file: string) => Promise<WeirConfig>,
): Promise<string> {
  const source = await readFile(file, "utf8");
  if (extname(file) !== ".ts" || [...source.matchAll(TYPES)].length !== 1) throw cannot(file);
  const before = await loadConfig(file);
  const extended = source.replace(TYPES, (found) => `${found}${text}\n`);
  // Beside it, since it imports what is beside it.
  const draft = join(dirname(file), `.weir-infer-${randomUUID()}.config.ts`);
  try {
    await writeFile(draft, extended, { flag: "wx" });
    const { types } = await loadConfig(draft);
    const isSame = JSON.stringify(types.slice(1)) === JSON.stringify(before.types) && types[0]?.name === name;
    if (!isSame) throw cannot(file);
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
  return `${file} has the type ${name} now, before its others.`;
}

const cannot = (file: string): AccessError =>
  new AccessError(
    "BAD_REQUEST",
    `${file} does not begin its types with a line "  types: [", so the type is not added to it`,
    "Without --write it is printed: paste it into the types.",
  );
