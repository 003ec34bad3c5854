import { fileURLToPath } from "node:url";
import { loadConfig } from "../../lib/load-config.ts";
import type { WeirConfig, WeirConfigInput } from "../../wire/config.ts";

const SAMPLE = await loadConfig(fileURLToPath(new URL("../../weir.config.ts", import.meta.url)));

/** The sample configuration with other settings; without a warehouse its types go to the lake only. */
export function sampleConfig(settings: Partial<WeirConfigInput>): WeirConfigInput {
  const config = { ...(SAMPLE as WeirConfig & WeirConfigInput), ...settings };
  if (config.warehouse?.kind !== "none") return config;
  return { ...config, types: config.types.map((type) => ({ ...type, destinations: [{ to: "s3" }] })) };
}
