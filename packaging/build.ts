import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { bundleAgent, VERSION } from "./bundle.ts";
import { makeExecutable } from "./executable.ts";
import { nodeFor } from "./node-for.ts";

/**
 * Builds, for each platform, the agent as one executable, and a tarball to be unpacked into /opt/weir
 * that holds it with the systemd unit and a first configuration. Needs GNU tar, and npm's registry for
 * the Node of other platforms.
 */
const PLATFORMS = ["linux-x64", "linux-arm64"];
const OUT = join(import.meta.dirname, "../dist");

mkdirSync(OUT, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "weir-packaging-"));
try {
  const bundle = join(folder, "weir-agent.cjs");
  await bundleAgent(bundle);
  const sums = PLATFORMS.flatMap((platform) => pack(platform, bundle))
    .map((file) => `${sha256(file)}  ${basename(file)}\n`)
    .join("");
  writeFileSync(join(OUT, "SHA256SUMS"), sums);
  process.stdout.write(sums);
} finally {
  rmSync(folder, { recursive: true });
}

/** @returns executable and tarball; they have the same bytes for the same sources */
function pack(platform: string, bundle: string): string[] {
  const tree = join(folder, platform, "weir");
  const executable = join(OUT, `weir-agent-${VERSION}-${platform}`);
  const tarball = `${executable}.tar.gz`;
  makeExecutable(bundle, nodeFor(platform, folder), platform, executable);
  mkdirSync(join(tree, "bin"), { recursive: true });
  cpSync(executable, join(tree, "bin/weir-agent"));
  for (const name of ["weir-agent.service", "agent.toml"])
    copyFileSync(join(import.meta.dirname, name), join(tree, name));
  copyFileSync(join(import.meta.dirname, "../LICENSE"), join(tree, "LICENSE"));
  const sameBytes = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  execFileSync("tar", [...sameBytes, "-czf", tarball, "-C", join(folder, platform), "weir"]);
  return [executable, tarball];
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
