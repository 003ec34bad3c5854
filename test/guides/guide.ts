import { readFileSync } from "node:fs";
import { join } from "node:path";

const DOCS = join(import.meta.dirname, "../../docs");

/** What a guide has in its fenced blocks. */
export interface Guide {
  /** Files of the other agent, by their path: the fence names it after the language. */
  readonly files: ReadonlyMap<string, string>;
  /** Configurations of the agent. */
  readonly settings: readonly string[];
  /** Lines of the `sh` blocks, by the heading that they stand under. */
  readonly commands: ReadonlyMap<string, readonly string[]>;
}

export function readGuide(page: string): Guide {
  const files = new Map<string, string>();
  const settings: string[] = [];
  const commands = new Map<string, string[]>();
  let heading = "";
  const text = readFileSync(join(DOCS, page), "utf8");
  for (const [, title, language, path, block] of text.matchAll(
    /^#+ (.*)$|^```(\S*) ?(\S*)\n([^]*?)^```$/gm,
  )) {
    if (language === "toml") settings.push(block!);
    if (title !== undefined) heading = title;
    else if (path !== "") files.set(path!, block!);
    else if (language === "sh") {
      const lines = block!.trim().split("\n");
      commands.set(heading, [...(commands.get(heading) ?? []), ...lines]);
    }
  }
  return { files, settings, commands };
}
