import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "./sha256.ts";

const MANIFEST = join(import.meta.dirname, "../node_modules/node/package.json");
/** The sums of every Node that may go into an executable, as `sha256sum` writes them. */
const SUMS = join(import.meta.dirname, "NODE_SHA256SUMS");

/** A Node that runs the agent: where it is, and what it is known by. */
export interface NodeBinary {
  readonly path: string;
  readonly version: string;
  readonly sha256: string;
}

/**
 * Finds the Node of package.json's `node` dependency, which comes in a package for each platform.
 *
 * The lock file does not vouch for it: a script of that dependency installs the platform's package. So its bytes
 * are compared with a sum that is kept in the repository.
 *
 * @param folder another platform's package is unpacked into it
 * @throws Error where the bytes are others, or no sum is known for this version and platform
 */
export function nodeFor(platform: string, folder: string): NodeBinary {
  const { version } = JSON.parse(readFileSync(MANIFEST, "utf8")) as { version: string };
  const isOurs = platform === `${process.platform}-${process.arch}`;
  const path = isOurs ? join(MANIFEST, "../bin/node") : fetchNode(platform, version, folder);
  return { path, version, sha256: verify(path, `node-v${version}-${platform}/bin/node`) };
}

/** @param name of the file in Node's own archive, by which its sum is kept */
export function verify(path: string, name: string, sums = readFileSync(SUMS, "utf8")): string {
  const expected = sums
    .split("\n")
    .map((line) => line.split("  "))
    .find(([, file]) => file === name)?.[0];
  const actual = sha256(path);
  if (actual !== expected)
    throw new Error(
      `${name} has the SHA-256 ${actual}, and packaging/NODE_SHA256SUMS ` +
        `${expected === undefined ? "knows no such file" : `says ${expected}`}: docs/releasing.md says how to compare it with Node's signed sums`,
    );
  return actual;
}

function fetchNode(platform: string, version: string, folder: string): string {
  const fetched = join(folder, `node-${platform}`);
  mkdirSync(fetched);
  const pack = ["pack", "--silent", "--prefer-offline", `node-${platform}@${version}`];
  const packed = execFileSync("npm", pack, { cwd: fetched, encoding: "utf8" });
  execFileSync("tar", ["-xzf", packed.trim(), "package/bin/node"], { cwd: fetched });
  return join(fetched, "package/bin/node");
}
