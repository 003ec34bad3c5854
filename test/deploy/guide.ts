import { readFileSync } from "node:fs";
import { join } from "node:path";

const GUIDE = join(import.meta.dirname, "../../docs/deploy.md");

/** The shell commands of docs/deploy.md, block by block, under the headings that they stand under. */
export function guide(): Map<string, readonly string[]> {
  const sections = readFileSync(GUIDE, "utf8").split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const heading = section.slice(0, section.indexOf("\n"));
      return [
        heading,
        [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, commands]) => commands!.trim()),
      ];
    }),
  );
}

/** The command that defines `out`, which reads the stack's outputs, for whoever begins with a later section. */
export function outputsCommand(): string {
  return guide()
    .get("From an empty account")!
    .find((command) => command.startsWith("out()"))!;
}
