import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const PAGES = join(import.meta.dirname, "../../docs/cookbook");

/** What a page of the cookbook has in its fenced blocks, each kind told by what stands behind its fence. */
export interface Recipe {
  readonly page: string;
  /** Log files by their path: `text /var/log/...`. */
  readonly files: ReadonlyMap<string, string>;
  /** Records by the tag that they are sent under, a line of JSON each: `json TAG`. */
  readonly pushed: ReadonlyMap<string, readonly string[]>;
  /** The agent's configuration: `toml agent.toml`. */
  readonly agent: string;
  /** Log types as they stand in weir.config.ts: `ts`. */
  readonly types: string;
  /** Commands, and what the document says that they print: `sh`, and the `text` that follows. */
  readonly commands: readonly { readonly command: string; readonly output?: string }[];
  /** Queries and their answers: `sql`, and the `text` that follows. */
  readonly queries: readonly { readonly sql: string; readonly answer: string }[];
}

interface Block {
  readonly language: string;
  readonly title: string | undefined;
  readonly text: string;
}

export function recipes(): Recipe[] {
  const pages = readdirSync(PAGES).filter((name) => name.endsWith(".md") && name !== "README.md");
  return pages.map((page) => recipe(page, readFileSync(join(PAGES, page), "utf8")));
}

function recipe(page: string, markdown: string): Recipe {
  const blocks = blocksOf(markdown);
  const textsOf = (language: string): string[] =>
    blocks.filter((block) => block.language === language).map(({ text }) => text);
  const titled = (language: string): [string, string][] =>
    blocks.flatMap((block) =>
      block.language === language && block.title !== undefined ? [[block.title, block.text] as const] : [],
    );
  const withNext = (language: string): { text: string; next: string | undefined }[] =>
    blocks.flatMap(({ language: of, text }, i) => {
      const after = blocks[i + 1];
      const isOutput = after?.language === "text" && after.title === undefined;
      return of === language ? [{ text, next: isOutput ? after.text : undefined }] : [];
    });
  return {
    page,
    files: new Map(titled("text")),
    pushed: new Map(titled("json").map(([tag, text]) => [tag, text.trim().split("\n")])),
    agent: textsOf("toml").join("\n"),
    types: textsOf("ts").join(""),
    commands: withNext("sh").flatMap(({ text, next }) => {
      const lines = text.replaceAll("\\\n", "").trim().split("\n");
      return lines.map((command, i) => ({
        command,
        ...(next !== undefined && i === lines.length - 1 && { output: next }),
      }));
    }),
    queries: withNext("sql").map(({ text, next = "" }) => ({ sql: text.trim(), answer: next })),
  };
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm)].map(([, language, title, text]) => ({
    language: language!,
    title,
    text: text!,
  }));
}
