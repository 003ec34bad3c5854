import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import type { ProcessFigures } from "./agent-process.ts";
import { linesOf, script } from "./child.ts";
import type { Job, ProducerCost } from "./producer.ts";

/** What one writes without Weir (plain-process.ts), bundled. */
export class PlainProgram {
  readonly name = "aws-kinesis-agg and the SDK's client";
  readonly #file: string;

  static async bundle(directory: string): Promise<PlainProgram> {
    const file = join(directory, "plain-process.mjs");
    await build({
      entryPoints: [join(import.meta.dirname, "plain-process.ts")],
      outfile: file,
      bundle: true,
      minifySyntax: true,
      minifyWhitespace: true,
      platform: "node",
      format: "esm",
      banner: {
        js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);',
      },
    });
    // aws-kinesis-agg cannot be bundled.
    await symlink(new URL("../node_modules", import.meta.url), join(directory, "node_modules"));
    return new PlainProgram(file);
  }

  private constructor(file: string) {
    this.#file = file;
  }

  async drain({ path, endpoint }: Job): Promise<ProducerCost> {
    return JSON.parse(await linesOf(script([this.#file, path, endpoint]))()) as ProcessFigures;
  }
}
