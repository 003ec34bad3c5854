import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const POSTJECT = join(import.meta.dirname, "../node_modules/postject/dist/cli.js");
/** Node's own mark for the byte that says whether something was injected. */
const SENTINEL_FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
/**
 * Memory before speed: garbage is collected every megabyte, what outlives that when the agent says so, and the
 * heap has half of what the cgroup allows: by itself Node 24 takes 256 MiB of any cgroup up to 512. Maglev compiles
 * so much at once that 5 to 15 MB stay in pieces; hot code has TurboFan. That is 6 MB of Node's file, which nothing needs
 * that is called less often than for each line.
 */
export const NODE_FLAGS = [
  "--max-semi-space-size=1",
  "--max-old-space-size-percentage=50",
  "--expose-gc",
  "--no-maglev",
  "--invocation-count-for-turbofan=100000",
];
/** Compiled code has the order of hash tables, which are seeded. */
const SAME_BYTES = "--random-seed=1";

/**
 * Makes one file of a script and the Node that runs it, the same bytes for the same two.
 *
 * @param bundle a CommonJS file
 * @param node of any platform, and of this process' version
 */
export function makeExecutable(bundle: string, node: string, platform: string, outfile: string): void {
  const folder = mkdtempSync(join(tmpdir(), "weir-executable-"));
  try {
    const blob = makeBlob(bundle, platform, folder);
    const injected = join(folder, "injected");
    copyFileSync(node, injected);
    runNode(folder, POSTJECT, injected, "NODE_SEA_BLOB", blob, "--sentinel-fuse", SENTINEL_FUSE);
    // Linux may hold, and count as resident, 18 MB more of a file that was written in one piece than of a copy.
    copyFileSync(injected, outfile);
    chmodSync(outfile, 0o755);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What Node finds in itself: the script and how to run it. @returns its path in `folder` */
export function makeBlob(bundle: string, platform: string, folder: string): string {
  // Paths are kept in it, so none says where it was made.
  const settings = {
    main: "weir-agent.cjs",
    output: "blob",
    disableExperimentalSEAWarning: true,
    execArgv: NODE_FLAGS,
    // Compiled code is of one platform; any other compiles when it starts.
    useCodeCache: platform === `${process.platform}-${process.arch}`,
  };
  copyFileSync(bundle, join(folder, settings.main));
  writeFileSync(join(folder, "sea.json"), JSON.stringify(settings));
  // Compiled code is refused under other flags than it was compiled under.
  runNode(folder, SAME_BYTES, ...NODE_FLAGS, "--experimental-sea-config", "sea.json");
  return join(folder, settings.output);
}

function runNode(cwd: string, ...args: string[]): void {
  execFileSync(process.execPath, args, { cwd, stdio: "pipe" });
}
