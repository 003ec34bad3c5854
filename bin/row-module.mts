import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MEMORY_PAGES } from "../lambdas/router/rows/layout.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SOURCE = "lambdas/router/rows/assembly/index.ts";
const COMPILER = "node_modules/assemblyscript/bin/asc.js";
export const ROW_MODULE_FILE = new URL("../lambdas/router/rows/module.ts", import.meta.url);

/** The text of lambdas/router/rows/module.ts: rows/assembly compiled, in base64, so that it can be bundled. */
export function rowModule(): string {
  const directory = mkdtempSync(join(tmpdir(), "weir-rows-"));
  try {
    const out = join(directory, "module.wasm");
    const memory = ["--initialMemory", `${MEMORY_PAGES}`, "--maximumMemory", `${MEMORY_PAGES}`];
    const options = ["-O3", "--noAssert", "--runtime", "stub", "--enable", "simd", ...memory];
    execFileSync(process.execPath, [COMPILER, SOURCE, "--outFile", out, ...options], { cwd: ROOT });
    const lines = readFileSync(out, "base64")
      .match(/.{1,100}/g)!
      .map((line) => `  "${line}"`);
    return `/** Made of assembly/ by \`npm run wasm\`. */\nexport const ROW_MODULE =\n${lines.join(" +\n")};\n`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

if (import.meta.main) await writeFile(ROW_MODULE_FILE, rowModule());
