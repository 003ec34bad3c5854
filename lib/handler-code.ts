import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { AssetHashType, DockerImage } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { buildSync } from "esbuild";
import type { WeirConfig } from "../wire/config.ts";

/** esbuild keeps CommonJS dependencies' calls of `require` for Node's own modules; ESM has none. */
const CREATE_REQUIRE =
  'import { createRequire as weirRequire } from "node:module"; const require = weirRequire(import.meta.url);';

/**
 * A handler as an ES module, the SDK with it, and the checked configuration, if any, as `config.json` beside it.
 *
 * What is imported dynamically is in files of its own, which a start does not read: most of the SDK's ways to come by
 * credentials, where Lambda hands them over in the environment. In one file, esbuild would also wrap whatever they
 * share with the rest, and could not leave out what nobody uses of it.
 *
 * esbuild is called here rather than by NodejsFunction, which goes through a shell: the configuration
 * would have to pass its quoting. Identifiers are kept, so stack traces read without source maps.
 *
 * @param entry path of the handler's .ts file
 */
export function handlerCode(entry: string, config?: WeirConfig): Code {
  return Code.fromAsset(dirname(entry), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry("unused"),
      local: {
        tryBundle(outputDir) {
          const { WEIR_KEPT_BUNDLES } = process.env;
          if (WEIR_KEPT_BUNDLES === undefined) writeHandler(entry, outputDir, config);
          else copyHandler(WEIR_KEPT_BUNDLES, entry, outputDir, config);
          return true;
        },
      },
    },
  });
}

/** Writes what deploys: the same bytes for the same sources wherever the repository stands. */
export function writeHandler(entry: string, outputDir: string, config?: WeirConfig): void {
  mkdirSync(outputDir, { recursive: true });
  buildSync({
    entryPoints: { index: entry },
    absWorkingDir: dirname(entry),
    outdir: outputDir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    target: "node24",
    format: "esm",
    mainFields: ["module", "main"],
    minifySyntax: true,
    minifyWhitespace: true,
    banner: { js: CREATE_REQUIRE },
    logLevel: "error",
  });
  if (config) writeConfig(outputDir, config);
}

function writeConfig(outputDir: string, config: WeirConfig): void {
  writeFileSync(join(outputDir, "config.json"), JSON.stringify(config));
}

/** Bundles a handler once for many stacks, where no source changes meanwhile: a run of the tests synthesizes dozens. */
function copyHandler(kept: string, entry: string, outputDir: string, config?: WeirConfig): void {
  const bundle = join(kept, createHash("sha256").update(entry).digest("hex"));
  if (!existsSync(bundle)) {
    mkdirSync(kept, { recursive: true });
    const own = mkdtempSync(`${bundle}-`);
    writeHandler(entry, own);
    try {
      renameSync(own, bundle);
    } catch (error) {
      // Another process may have made it meanwhile.
      if (!existsSync(bundle)) throw error;
    }
  }
  cpSync(bundle, outputDir, { recursive: true });
  if (config) writeConfig(outputDir, config);
}
