import { readFile, writeFile } from "node:fs/promises";
import makeWabt from "wabt";

const SOURCE = new URL("../wire/simd.wat", import.meta.url);
export const SIMD_MODULE_FILE = new URL("../wire/simd-module.ts", import.meta.url);

/** The text of wire/simd-module.ts: wire/simd.wat compiled, in base64, so that it can be bundled. */
export async function simdModule(): Promise<string> {
  const wabt = await makeWabt();
  const module = wabt.parseWat("simd.wat", await readFile(SOURCE));
  module.validate();
  const base64 = Buffer.from(module.toBinary({}).buffer).toString("base64");
  const lines = base64.match(/.{1,100}/g)!.map((line) => `  "${line}"`);
  return `/** Made of simd.wat by \`npm run wasm\`. */\nexport const SIMD_MODULE =\n${lines.join(" +\n")};\n`;
}

if (import.meta.main) await writeFile(SIMD_MODULE_FILE, await simdModule());
