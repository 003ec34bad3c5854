import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { loadConfig } from "../../lib/load-config.ts";
import { localCommand } from "../../local/command.ts";
import { findLogFiles, type LogGlobs } from "../../local/agent/log-files.ts";
import { tryCommand } from "../../ops/try/command.ts";
import { recipes } from "./recipe.ts";
import { RecipeFolder } from "./recipe-folder.ts";

const all = recipes();
const TRY = "npx weir try ";
const START = "npm start -- ";

let folder: RecipeFolder;
beforeAll(async () => {
  folder = await RecipeFolder.make(all);
});
afterAll(() => folder[Symbol.asyncDispose]());

/** Arguments as a shell makes them of what the documents have: words, and single quotes. */
const argumentsOf = (command: string): string[] =>
  [...command.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ""));

const commands = all.flatMap(({ page, commands }) =>
  commands
    .filter(({ command }) => command.startsWith(TRY))
    .map(({ command, output }) => ({ page, command, output })),
);

test.each(commands)(
  "$page: `$command` makes a row of each line, as the page shows",
  async ({ command, output }) => {
    let printed = "";
    const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    try {
      const args = argumentsOf(folder.inHere(command.slice(TRY.length)));
      await tryCommand(loadConfig).parseAsync([...args, "--config", folder.configFile], { from: "user" });
    } finally {
      write.mockRestore();
    }
    expect(printed).toMatch(/: (\d+) of \1 (?:lines|events) become rows\n/);
    if (output !== undefined) expect(folder.onHost(printed)).toBe(output);
  },
);

test("each `npm start` of a page has options that there are, with types and files of the page", async () => {
  const { types } = await loadConfig(folder.configFile);
  const starts = all.flatMap(({ commands }) => commands).filter(({ command }) => command.startsWith(START));
  for (const { command } of starts) {
    const local = localCommand().action(() => {});
    await local.parseAsync(argumentsOf(folder.inHere(command.slice(START.length))), { from: "user" });
    const { logs, start, agent } = local.opts<{ logs: LogGlobs; start: object; agent?: string }>();
    const files = await findLogFiles(logs, types);
    for (const type of Object.keys(start)) expect(files).toHaveProperty(type);
    expect([command, agent ?? Object.keys(files)[0]]).toEqual([command, expect.stringMatching(/./)]);
  }
});

test("each page has logs, an agent's configuration, types, and commands that try them and run them", () => {
  expect(all.map(({ page }) => page)).toEqual(
    ["apache", "docker", "java", "json", "nginx", "syslog"].map((name) => `${name}.md`),
  );
  for (const { page, files, agent, types, commands, queries } of all) {
    expect([page, files.size > 0, agent !== "", types !== ""]).toEqual([page, true, true, true]);
    for (const start of [TRY, START])
      expect([page, commands.some(({ command }) => command.startsWith(start))]).toEqual([page, true]);
    for (const { sql, answer } of queries)
      expect([sql, answer]).toEqual([sql, expect.stringMatching(/\(\d+ rows?\)\n$/)]);
  }
});
