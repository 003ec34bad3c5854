import { App } from "aws-cdk-lib";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../lib/load-config.ts";
import { withStandIns } from "../lib/stand-ins.ts";
import { weirApp } from "../lib/weir-app.ts";
import { ConfigError } from "../wire/config.ts";

// `cdk deploy -c WEIR_CONFIG=staging.config.ts`, or the variable of that name.
const path =
  (new App({ autoSynth: false }).node.tryGetContext("WEIR_CONFIG") as string | undefined) ??
  process.env["WEIR_CONFIG"] ??
  fileURLToPath(new URL("../weir.config.ts", import.meta.url));

try {
  const config = await loadConfig(path);
  // Set by the laptop cloud.
  weirApp(process.env["WEIR_STAND_INS"] === "true" ? withStandIns(config) : config).synth();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`weir: ${error.message}`);
  process.exitCode = 1;
}
