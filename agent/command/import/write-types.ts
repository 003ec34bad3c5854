import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { systemReason } from "../../agent-error.ts";
import { ConfigError } from "../../../wire/config.ts";
import type { Imported } from "./imported.ts";

/**
 * Writes the log types of another agent's configuration.
 *
 * @param from the file that it was read from
 * @param to a new file, or - for stdout
 * @returns what could not be carried over, into the types or into the agent's configuration
 * @throws ConfigError where that file is there already, or cannot be written
 */
export async function writeTypes(imported: Imported, from: string, to: string): Promise<readonly string[]> {
  // Loaded late: an agent on a host makes no types.
  const { importTypes } = await import("./types/import-types.ts");
  const hasProject = existsSync(join(to === "-" ? "." : dirname(to), "wire", "config.ts"));
  const { typescript, notes } = await importTypes(imported, from, hasProject);
  if (typescript === undefined) return notes;
  if (to === "-") process.stdout.write(typescript);
  else {
    try {
      await writeFile(to, typescript, { flag: "wx" });
    } catch (error) {
      const isThere = (error as NodeJS.ErrnoException).code === "EEXIST";
      throw new ConfigError(to, [
        isThere ? "is there already, and is not overwritten: name a new file" : systemReason(error),
      ]);
    }
  }
  return notes;
}
