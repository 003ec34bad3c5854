import { mkdtempSync, readdirSync } from "node:fs";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { App, Stack } from "aws-cdk-lib";
import { Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { handlerCode } from "../../lib/handler-code.ts";
import { parseConfig } from "../../wire/config.ts";
import type { WeirConfig } from "../../wire/config.ts";

const CONFIG = parseConfig(
  {
    types: [
      {
        name: "quoted",
        parse: { format: "regex", pattern: `^'(?<a>[^']*)' "\\$(?<b>.)" %PATH% \`x\`$` },
        columns: [{ name: "a", type: "varchar(9)" }],
      },
    ],
  },
  "test",
);

/** Bundles a handler and returns the asset's folder. */
function bundle(entry: string, outdir: string, config: WeirConfig = CONFIG): string {
  const app = new App({ outdir });
  const stack = new Stack(app, "Stack");
  const { node } = new LambdaFunction(stack, "Handler", {
    runtime: Runtime.NODEJS_24_X,
    handler: "index.handler",
    code: handlerCode(entry, config),
  });
  app.synth();
  const assetDir = readdirSync(outdir).find((name) => name.startsWith("asset."));
  if (assetDir === undefined) throw new Error(`${node.path} has no asset`);
  return join(outdir, assetDir);
}

/** Names of the files that hold such a text. */
async function filesWith(text: string, assetDir: string): Promise<string[]> {
  const names = await readdir(assetDir);
  const texts = await Promise.all(names.map((name) => readFile(join(assetDir, name), "utf8")));
  return names.filter((_, i) => texts[i]!.includes(text));
}

let folder: string;
let entry: string;
beforeAll(async () => {
  vi.stubEnv("WEIR_KEPT_BUNDLES", undefined);
  folder = mkdtempSync(join(tmpdir(), "weir-bundle-"));
  entry = join(folder, "handler.ts");
  const digits = fileURLToPath(new URL("../../wire/sequence-number.ts", import.meta.url));
  await writeFile(
    entry,
    `import { readFileSync } from "node:fs";
     import { basename, join } from "node:path";
     import { padSequenceNumber } from ${JSON.stringify(digits)};
     import legacy from "./legacy.cjs";
     const config = JSON.parse(readFileSync(join(import.meta.dirname, "config.json"), "utf8"));
     export const handler = async () => ({ config, host: legacy.host(), pad: padSequenceNumber("7").length });`,
  );
  await writeFile(
    join(folder, "legacy.cjs"),
    `const os = require("node:os"); exports.host = () => typeof os.hostname();`,
  );
});
afterAll(() => {
  vi.unstubAllEnvs();
  return rm(folder, { recursive: true });
});

describe("a bundled handler", () => {
  test("runs alone: its imports are in it, CommonJS ones too, its configuration beside it, unchanged", async () => {
    const assetDir = bundle(entry, join(folder, "out"));
    expect((await readdir(assetDir)).sort()).toEqual(["config.json", "index.mjs"]);
    const { handler } = (await import(pathToFileURL(join(assetDir, "index.mjs")).href)) as {
      handler: () => Promise<unknown>;
    };
    expect(await handler()).toEqual({ config: CONFIG, host: "string", pad: 64 });
  });

  test("keeps what it imports dynamically in a file that a start does not read", async () => {
    const late = join(folder, "late.ts");
    await writeFile(
      late,
      `import legacy from "./legacy.cjs";
       export const host = legacy.host();
       export const handler = async () => (await import("./rare.ts")).rare();`,
    );
    await writeFile(
      join(folder, "rare.ts"),
      `import legacy from "./legacy.cjs"; export const rare = () => ["seldom", legacy.host()];`,
    );
    const assetDir = bundle(late, join(folder, "late"));
    const [rare, ...others] = await filesWith("seldom", assetDir);
    expect([rare, others]).toEqual([expect.stringMatching(/^rare-\w+\.mjs$/), []]);
    const { handler } = (await import(pathToFileURL(join(assetDir, "index.mjs")).href)) as {
      handler: () => Promise<unknown>;
    };
    expect(await handler()).toEqual(["seldom", "string"]);
  });

  test("speaks English alone, and keeps other ways to credentials than the environment apart", async () => {
    const router = fileURLToPath(new URL("../../lambdas/router/handler.ts", import.meta.url));
    const assetDir = bundle(router, join(folder, "router"));
    expect(await filesWith("Invalid input", assetDir)).toContain("index.mjs");
    expect(await filesWith("Ongeldige invoer", assetDir)).toEqual([]);
    expect(await filesWith("AssumeRoleWithWebIdentity", assetDir)).not.toContain("index.mjs");
  });

  test("has the same hash each time, and another when the configuration differs", async () => {
    const first = bundle(entry, join(folder, "first"));
    const second = bundle(entry, join(folder, "second"));
    const other = bundle(entry, join(folder, "other"), {
      ...CONFIG,
      lake: { ...CONFIG.lake, compression: "gzip" },
    });
    const name = (assetDir: string): string => assetDir.split("asset.")[1]!;
    expect(name(second)).toBe(name(first));
    expect(name(other)).not.toBe(name(first));
    expect(await readFile(join(first, "index.mjs"), "utf8")).not.toContain(folder);
  });

  test("has the same hash where it is made once for many stacks", async () => {
    const made = bundle(entry, join(folder, "made"));
    vi.stubEnv("WEIR_KEPT_BUNDLES", join(folder, "kept"));
    for (const outdir of ["kept first", "kept second"])
      expect(basename(bundle(entry, join(folder, outdir)))).toBe(basename(made));
    expect(await readdir(join(folder, "kept"))).toHaveLength(1);
    vi.stubEnv("WEIR_KEPT_BUNDLES", undefined);
  });
});
