import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bareEnvironment } from "../bare-environment.ts";
import { type Cloud, removeCloud, startCloud } from "../../local/cloud.ts";
import { instant } from "../../ops/erase/command.ts";
import { type SampleStack, sampleStack } from "../end-to-end/pipeline.ts";
import { type Batch, batch } from "../loader/lake-fixture.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let stack: SampleStack;
let cloud: Cloud;
let dir: string;

beforeAll(async () => {
  stack = await sampleStack();
  dir = await mkdtemp(join(tmpdir(), "weir-erase-"));
  const { deployment } = stack;
  cloud = await startCloud({ deployment, dir, log: () => {}, sequencerEveryMs: 300, loaderEveryMs: 500 });
});
afterAll(async () => {
  await cloud?.stop();
  await removeCloud(dir);
  await stack?.[Symbol.asyncDispose]();
});

async function weir(...args: string[]) {
  const child = spawn(process.execPath, ["bin/weir.ts", "erase", ...args], {
    cwd: ROOT,
    env: bareEnvironment(),
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

async function commit({ commitKey, commit, objects }: Batch): Promise<void> {
  const puts = [...objects, { key: commitKey, body: JSON.stringify(commit) }];
  for (const { key: Key, body } of puts) {
    const Body = Buffer.from(body as string);
    const object = { Bucket: stack.deployment.lakeBucket, Key, Body, ContentLength: Body.length };
    await cloud.s3.send(new PutObjectCommand(object));
  }
}

const photos = (sequence: number, user: number, range: readonly [number, number]): Batch =>
  batch({
    sequence: [sequence, sequence],
    sources: { a: [range] },
    writtenAt: new Date(),
    fields: { photo_id: 1, user_id: user, action: "view" },
  });
const users = async (): Promise<string[]> => {
  const rows = await cloud.warehouse!.query<{ user_id: string }>(
    "SELECT user_id FROM logs.photo ORDER BY user_id, _off",
  );
  return rows.map(({ user_id }) => user_id);
};

test("a user's rows are shown, erased for good, and told of afterwards", async () => {
  await commit(photos(1, 7, [0, 20]));
  await commit(photos(2, 42, [20, 50]));
  await expect.poll(users).toEqual(["7", "7", "42", "42", "42"]);
  const where = ["--local", dir, "--type", "photo", "--where", "user_id = 42"];

  const shown = await weir(...where);
  expect(shown.code).toBe(0);
  expect(shown.stdout).toBe(
    `the laptop cloud of ${dir}
lake: 3 rows and 0 rejected lines, in 1 of 2 objects
logs.photo: 3 rows
Nothing was erased: that takes --yes.
`,
  );
  expect(await users()).toHaveLength(5);

  const erased = await weir(...where, "--yes", "--reason", "request 17", "--by", "mia");
  expect(erased.code).toBe(0);
  const [id] = /^\d{8}T\d{6}Z-photo-[0-9a-f]{8}/.exec(erased.stdout)!;
  expect(erased.stdout).toBe(`${id}: 3 rows and 0 rejected lines of 1 objects\nlogs.photo: erased\nDone.\n`);
  expect(await users()).toEqual(["7", "7"]);

  // The agent sends on from further back.
  await commit(photos(3, 42, [30, 60]));
  await expect.poll(users).toEqual(["7", "7", "42"]);
  const again = await weir("--local", dir, "--again", id, "--yes", "--json");
  expect(JSON.parse(again.stdout)).toMatchObject({ ok: true, done: true, rows: 2, objects: 1 });
  expect(await users()).toEqual(["7", "7", "42"]);

  const { stdout } = await weir("--local", dir, "--list");
  expect(stdout).toContain(`${id}  done  3 rows, 0 rejected  mia: request 17\n`);
  expect(stdout.match(/ done {2}/g)).toHaveLength(2);
});

test.each([
  [["--type", "photo"], /^weir: nothing says what to erase\n--where names rows/],
  [
    ["--type", "nobody", "--contains", "x"],
    /^weir: there is no log type nobody, and the lake has no lines of it\n/,
  ],
  [["--type", "photo", "--where", "user_id > 4"], /^weir: the condition cannot be read: "> 4" .*\nSuch as: /],
  [["--again", "x", "--contains", "y"], /cannot be used with option/],
])("%j is refused, and says why", async (args, why) => {
  const { code, stdout, stderr } = await weir("--local", dir, ...args);
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(why);
  expect(stderr).not.toContain("    at ");
});

test.each([
  ["2026-11-21", "2026-11-21T00:00:00.000Z"],
  ["2026-11-21T10:00", "2026-11-21T10:00:00.000Z"],
  ["2026-11-21T10:00:00.5+01:00", "2026-11-21T09:00:00.500Z"],
  ["monday", undefined],
  ["2026-02-31", undefined],
  ["2026", undefined],
])("the time %s is %s", (value, time) => {
  if (time === undefined) expect(() => instant(value)).toThrow("It should be a time such as 2026-11-21");
  else expect(instant(value)).toBe(time);
});
