import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { readPage } from "../agent/monitor/page-files.ts";

const ROOT = join(import.meta.dirname, "..");

/** Dependencies in CommonJS call `require` for Node's own modules; ESM has none. */
const CREATE_REQUIRE =
  'import { createRequire as weirRequire } from "node:module"; const require = weirRequire(import.meta.url);';

export const VERSION = (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string })
  .version;

/** Writes the agent with all it needs as one ES module, the same bytes for the same sources. */
export async function bundleAgent(outfile: string): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, "weir-agent.ts")],
    absWorkingDir: ROOT,
    outfile,
    bundle: true,
    platform: "node",
    target: "node24",
    format: "esm",
    mainFields: ["module", "main"],
    minifySyntax: true,
    minifyWhitespace: true,
    define: { WEIR_VERSION: JSON.stringify(VERSION), WEIR_STATUS_PAGE: JSON.stringify(readPage()) },
    banner: { js: CREATE_REQUIRE },
    logLevel: "error",
  });
}
