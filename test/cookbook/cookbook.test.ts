import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { expect, test } from "vitest";
import { freePort } from "../../local/part.ts";
import { run } from "../../local/run/run.ts";
import { ForwardSender, type LogRecord } from "./forward-sender.ts";
import { recipes } from "./recipe.ts";
import { isSocket, RecipeFolder } from "./recipe-folder.ts";

const all = recipes();

const LOADED = { interval: 200 };

test("all recipes run as one agent on one cloud, and each query has the answer that its page shows", async () => {
  await using folder = await RecipeFolder.make(all);
  const port = await freePort();
  const dir = join(folder.path, "cloud");
  const [finish, abort] = [new AbortController(), new AbortController()];
  const said: string[] = [];
  const running = run({
    configFile: folder.configFile,
    agentFile: await folder.writeAgent(port),
    logs: {},
    once: false,
    linesPerType: undefined,
    linesPerSecond: undefined,
    seed: 1,
    port: undefined,
    maxRejectedPercent: 0,
    dir,
    say: (line) => void said.push(line),
    show: (text) => void said.push(text),
    log: () => {},
    finish: finish.signal,
    signal: abort.signal,
  });
  running.catch(() => {});
  try {
    await Promise.race([running, push(port, folder).then(() => ask(dir))]);
    // What is printed to be copied into Fluent Bit's configuration is what the page about it has.
    for (const setting of ["require_ack_response: true", "retry_limit: no_limits"])
      expect(said.join("\n")).toContain(setting);
    finish.abort();
    const report = await running;
    expect(report).toMatchObject({ balanced: true, problems: [], rejects: [] });
  } catch (error) {
    throw new Error(`said:\n${said.join("\n")}`, { cause: error });
  } finally {
    abort.abort();
    await running.catch(() => {});
  }
});

/** Sends what containers and programs push, and follows no file. */
async function push(port: number, folder: RecipeFolder): Promise<void> {
  using sender = await retried(() => ForwardSender.connect(port));
  for (const [tag, lines] of all.flatMap(({ pushed }) => [...pushed])) {
    const records = lines.map((line) => JSON.parse(line) as LogRecord & { container_id?: string });
    if (records[0]!.container_id === undefined) await sender.sendChunk(tag, records);
    else for (const record of records) await sender.sendMessage(tag, record);
  }
  for (const [path, lines] of all.flatMap(({ files }) => [...files]).filter(([path]) => isSocket(path))) {
    const socket = createConnection(folder.inHere(path));
    await once(socket, "connect");
    socket.end(lines);
  }
}

/** The agent comes last of all parts. */
async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  let result: T | undefined;
  await expect.poll(async () => (result = await attempt().catch(() => undefined)), LOADED).toBeDefined();
  return result!;
}

/** Asks until what was sent is loaded. */
async function ask(dir: string): Promise<void> {
  await using tables = await openTables(dir);
  for (const { page, queries } of all)
    for (const { sql, answer } of queries)
      await expect
        .poll(async () => [page, sql, await tables.answer(sql)], LOADED)
        .toEqual([page, sql, cellsOf(answer)]);
}

/** Values as PostgreSQL writes them. */
async function openTables(dir: string) {
  const environment = await readFile(join(dir, "env"), "utf8");
  const setting = (name: string): string => new RegExp(`^export ${name}='(.*)'$`, "m").exec(environment)![1]!;
  const [, , , user, password] = (await readFile(setting("PGPASSFILE"), "utf8")).trim().split(":");
  const client = new pg.Client({
    host: setting("PGHOST"),
    port: Number(setting("PGPORT")),
    database: setting("PGDATABASE"),
    user,
    password,
    types: { getTypeParser: () => (text: string) => text },
  });
  await client.connect();
  return {
    async answer(sql: string): Promise<string[][]> {
      try {
        const { fields, rows } = await client.query<(string | null)[]>({ text: sql, rowMode: "array" });
        return [fields.map(({ name }) => name), ...rows.map((row) => row.map((value) => value ?? ""))];
      } catch (error) {
        return [[(error as Error).message]];
      }
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** The cells of a table as psql prints it: a head, a line, rows, and their number. */
function cellsOf(table: string): string[][] {
  const [head, , ...rows] = table.trimEnd().split("\n");
  return [head!, ...rows.slice(0, -1)].map((row) => row.split("|").map((cell) => cell.trim()));
}
