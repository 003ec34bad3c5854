import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { bundleAgent, VERSION } from "./bundle.ts";

/**
 * Builds what is unpacked into /opt/weir on a host: for each platform one tarball that holds the agent,
 * Node to run it, the systemd unit and a first configuration. Needs GNU tar, and npm's registry for
 * the Node of other platforms.
 */
const PLATFORMS = ["linux-x64", "linux-arm64"];
const OUT = join(import.meta.dirname, "../dist");

mkdirSync(OUT, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "weir-packaging-"));
try {
  const bundle = join(folder, "weir-agent.mjs");
  await bundleAgent(bundle);
  const tarballs = PLATFORMS.map((platform) => pack(platform, bundle));
  const sums = tarballs.map((file) => `${sha256(file)}  ${basename(file)}\n`).join("");
  writeFileSync(join(OUT, "SHA256SUMS"), sums);
  process.stdout.write(sums);
} finally {
  rmSync(folder, { recursive: true });
}

/** @returns the tarball; it has the same bytes for the same sources */
function pack(platform: string, bundle: string): string {
  const tree = join(folder, platform, "weir");
  const tarball = join(OUT, `weir-agent-${VERSION}-${platform}.tar.gz`);
  for (const name of ["bin", "lib"]) mkdirSync(join(tree, name), { recursive: true });
  cpSync(bundle, join(tree, "lib/weir-agent.mjs"));
  cpSync(nodeFor(platform), join(tree, "lib/node"));
  for (const name of ["weir-agent.service", "agent.toml"])
    cpSync(join(import.meta.dirname, name), join(tree, name));
  cpSync(join(import.meta.dirname, "../LICENSE"), join(tree, "LICENSE"));
  cpSync(join(import.meta.dirname, "weir-agent.sh"), join(tree, "bin/weir-agent"));
  for (const name of ["bin/weir-agent", "lib/node"]) chmodSync(join(tree, name), 0o755);
  const sameBytes = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  execFileSync("tar", [...sameBytes, "-czf", tarball, "-C", join(folder, platform), "weir"]);
  return tarball;
}

/** The Node of package.json's `node` dependency, which comes in a package for each platform. */
function nodeFor(platform: string): string {
  const manifest = join(import.meta.dirname, "../node_modules/node/package.json");
  if (platform === `${process.platform}-${process.arch}`) return join(manifest, "../bin/node");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const fetched = join(folder, `node-${platform}`);
  mkdirSync(fetched);
  const packed = execFileSync("npm", ["pack", "--silent", `node-${platform}@${version}`], {
    cwd: fetched,
    encoding: "utf8",
  });
  execFileSync("tar", ["-xzf", packed.trim(), "package/bin/node"], { cwd: fetched });
  return join(fetched, "package/bin/node");
}

function sha256(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
