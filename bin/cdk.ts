import { App } from "aws-cdk-lib";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../lib/load-config.ts";
import { weirApp } from "../lib/weir-app.ts";
import { ConfigError } from "../wire/config.ts";

// `cdk deploy -c WEIR_CONFIG=staging.config.ts`, or the variable of that name.
const path =
  (new App({ autoSynth: false }).node.tryGetContext("WEIR_CONFIG") as string | undefined) ??
  process.env["WEIR_CONFIG"] ??
  fileURLToPath(new URL("../weir.config.ts", import.meta.url));

try {
  weirApp(await loadConfig(path)).synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`weir: ${error.message}`);
  process.exitCode = 1;
}
