import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { bareEnvironment } from "../bare-environment.ts";
import { loadConfig } from "../../lib/load-config.ts";
import { tryFile } from "../../ops/try/run.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CONFIG = join(ROOT, "weir.config.ts");

async function weir(args: readonly string[], input: string) {
  const child = spawn(process.execPath, ["bin/weir.ts", ...args], {
    cwd: ROOT,
    env: bareEnvironment(),
  });
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit") as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

const access = (i: number): string =>
  `203.0.113.${i} - - [20/Nov/2026:10:00:${i + 10} +0000] "GET /${i} HTTP/1.1" 200 5 "-" "curl/8"`;
const lines = Array.from({ length: 40 }, (_, i) => access(i));

test("a type is inferred from stdin, and the sample's is tried on lines of it, without a cloud", async () => {
  const [inferred, tried] = await Promise.all([
    weir(["infer", "-", "--name", "web", "--tag", "web.*"], lines.join("\n")),
    weir(["try", "access", "-", "--rows", "1"], [...lines, "\u001b[31mboom"].join("\n")),
  ]);
  const type = '{\n  name: "web",\n  match: { tags: ["web.*"] },\n  parse: { format: "combined" },\n';
  expect(inferred.stdout).toContain(type);
  expect(inferred.stdout).toContain('destinations: [{ to: "s3" }, { to: "redshift" }],\n},\n');
  expect(inferred).toMatchObject({ code: 0, stderr: "web: 40 of 40 lines become rows\n\n" });
  expect(tried).toMatchObject({ code: 1, stderr: "" });
  expect(tried.stdout).toMatch(/^_time +2026-11-20 10:00:10\.000\nhost +203\.0\.113\.0\nuser_name +NULL\n/);
  expect(tried.stdout).toContain(String.raw`stdin:41: unparsed: not in combined format`);
  expect(tried.stdout).toContain(String.raw`    \x1b[31mboom` + "\n");
  expect(tried.stdout).toMatch(/\n\naccess: 40 of 41 lines become rows, 1 is rejected \(2\.4 %\)\n/);
  expect(tried.stdout).toMatch(/2 columns without a value in any row: user_name, referer\n$/);
});

test("a file is tried as far as is asked, its lines joined as an agent would", async () => {
  const dir = await mkdtemp(join(tmpdir(), "weir-try-"));
  try {
    const file = join(dir, "a.log");
    await writeFile(file, [lines[0], "  at x", ...lines.slice(1)].join("\n"));
    const options = { config: CONFIG, lines: 3, rows: 1, rejects: 1 };
    const { ok, json, text } = await tryFile("access", file, { ...options, start: "^203" }, loadConfig);
    expect(json).toMatchObject({ ok, isWhole: false, lines: 2, rows: 1, firstRejects: [{ line: 1, file }] });
    expect(text).toContain("access: 1 of 2 first events become rows, 1 is rejected (50 %)");
    const misspelt = join(dir, "misspelt.config.json");
    const columns = [
      { name: "camera", field: "exif.camra", type: "varchar(9)" },
      { name: "n", type: "bigint" },
    ];
    await writeFile(
      misspelt,
      JSON.stringify({ types: [{ name: "photo", parse: { format: "json" }, columns }] }),
    );
    const photos = join(dir, "photos.log");
    await writeFile(photos, '{"n":1,"exif":{"camera":"X100V"}}\n');
    const empty = await tryFile("photo", photos, { ...options, config: misspelt }, loadConfig);
    expect(empty.json).toMatchObject({ emptyColumns: ["camera"], meant: { camera: "exif.camera" } });
    expect(empty.text).toContain(
      'camera: no line had a value in the field "exif.camra": did you mean "exif.camera"?',
    );
    const wrong = tryFile("acess", file, options, loadConfig);
    await expect(wrong).rejects.toMatchObject({ hint: "Did you mean access?" });
    await expect(tryFile("access", file, { ...options, start: "(?=a)" }, loadConfig)).rejects.toThrow(
      "--start: ",
    );
  } finally {
    await rm(dir, { recursive: true });
  }
});
