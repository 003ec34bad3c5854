import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The Node of package.json's `node` dependency, which comes in a package for each platform.
 *
 * @param folder that another platform's is put into
 */
export function nodeFor(platform: string, folder: string): string {
  const manifest = join(import.meta.dirname, "../node_modules/node/package.json");
  if (platform === `${process.platform}-${process.arch}`) return join(manifest, "../bin/node");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const fetched = join(folder, `node-${platform}`);
  mkdirSync(fetched);
  const packed = execFileSync(
    "npm",
    ["pack", "--silent", "--prefer-offline", `node-${platform}@${version}`],
    {
      cwd: fetched,
      encoding: "utf8",
    },
  );
  execFileSync("tar", ["-xzf", packed.trim(), "package/bin/node"], { cwd: fetched });
  return join(fetched, "package/bin/node");
}
