import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Metafile } from "esbuild";
import { packedPage } from "../agent/monitor/page-files.ts";

export const ROOT = join(import.meta.dirname, "..");

/** Dependencies that are ES modules ask where they are; a CommonJS file says it by another name. */
const FILE_URL = 'const weirFileUrl = require("node:url").pathToFileURL(__filename).href;';

export const VERSION = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string })
  .version;

/** Writes the agent with all it needs as one file, the same bytes for the same sources. */
export function bundleAgent(outfile: string): Promise<Metafile> {
  return bundleScript(join(import.meta.dirname, "weir-agent.ts"), outfile);
}

/**
 * Writes a program that is or has the agent as one CommonJS file.
 *
 * No ES module: an executable takes none, and one that imports `node:http` reads every property of it,
 * which loads Node's fetch, a fifth of the time that the agent takes to start.
 *
 * @returns which files it was made of
 */
export async function bundleScript(entry: string, outfile: string): Promise<Metafile> {
  const { metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: ROOT,
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "cjs",
    // An executable's script can require Node's own modules, and cannot import them.
    supported: { "dynamic-import": false },
    mainFields: ["module", "main"],
    minifySyntax: true,
    minifyWhitespace: true,
    define: {
      WEIR_VERSION: JSON.stringify(VERSION),
      WEIR_STATUS_PAGE: JSON.stringify(packedPage()),
      "import.meta.url": "weirFileUrl",
    },
    banner: { js: FILE_URL },
    metafile: true,
    logLevel: "error",
  });
  return metafile;
}
