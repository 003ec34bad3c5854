import { readFileSync } from "node:fs";

const RUNBOOK = new URL("../../docs/runbook.md", import.meta.url);

/** The shell commands of a section of docs/runbook.md, line by line. @throws Error where there is no such section */
export function runbookCommands(heading: string): string[] {
  const section = readFileSync(RUNBOOK, "utf8")
    .split(/^#{2,3} /m)
    .find((text) => text.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`the runbook has no section ${heading}`);
  return [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(([, block]) => block!.trim().split("\n"));
}
