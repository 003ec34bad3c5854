import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Metafile } from "esbuild";
import { writeBillOfMaterials } from "./bill-of-materials.ts";
import { bundleAgent, VERSION } from "./bundle.ts";
import { makeExecutable } from "./executable.ts";
import { nodeFor } from "./node-for.ts";
import { sha256 } from "./sha256.ts";

/**
 * Builds, for each platform, the agent as one executable, its bill of materials, and a tarball to be unpacked
 * into /opt/weir that holds both with the systemd unit and a first configuration. Needs GNU tar, and npm's registry for
 * the Node of other platforms.
 */
const PLATFORMS = ["linux-x64", "linux-arm64"];
const OUT = join(import.meta.dirname, "../dist");

mkdirSync(OUT, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "weir-packaging-"));
try {
  const bundle = join(folder, "weir-agent.cjs");
  const metafile = await bundleAgent(bundle);
  const sums = PLATFORMS.flatMap((platform) => pack(platform, bundle, metafile))
    .map((file) => `${sha256(file)}  ${basename(file)}\n`)
    .join("");
  writeFileSync(join(OUT, "SHA256SUMS"), sums);
  process.stdout.write(sums);
} finally {
  rmSync(folder, { recursive: true });
}

/** @returns executable, bill of materials and tarball; they have the same bytes for the same sources */
function pack(platform: string, bundle: string, metafile: Metafile): string[] {
  const tree = join(folder, platform, "weir");
  const executable = join(OUT, `weir-agent-${VERSION}-${platform}`);
  const tarball = `${executable}.tar.gz`;
  const billOfMaterials = `${executable}.cdx.json`;
  const node = nodeFor(platform, folder);
  makeExecutable(bundle, node.path, platform, executable);
  writeBillOfMaterials(metafile, node, platform, billOfMaterials);
  mkdirSync(join(tree, "bin"), { recursive: true });
  cpSync(executable, join(tree, "bin/weir-agent"));
  copyFileSync(billOfMaterials, join(tree, "weir-agent.cdx.json"));
  for (const name of ["weir-agent.service", "read-every-file.conf", "agent.toml"])
    copyFileSync(join(import.meta.dirname, name), join(tree, name));
  copyFileSync(join(import.meta.dirname, "../LICENSE"), join(tree, "LICENSE"));
  const sameBytes = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  execFileSync("tar", [...sameBytes, "-czf", tarball, "-C", join(folder, platform), "weir"]);
  return [executable, billOfMaterials, tarball];
}
