// Runs before `npm start` and `npm test`, on whatever Node the machine has: installs the locked
// dependencies (Node 24 among them) when they are missing or older than the lock file.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** npm writes this file last, so its age tells whether an install finished after the lock changed. */
const installed = statSync(`${root}node_modules/.package-lock.json`, { throwIfNoEntry: false });
const locked = statSync(`${root}package-lock.json`);

if (!installed || installed.mtimeMs < locked.mtimeMs) {
  console.error("weir: installing dependencies (once, a minute or two)");
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const { status } = spawnSync(npm, ["ci", "--no-audit", "--no-fund"], {
    cwd: root,
    // The outer `npm test` must not hand its own lifecycle settings to the install.
    env: { ...process.env, npm_config_loglevel: "error" },
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) {
    console.error("weir: `npm ci` failed; the lines above say why. Fix that and run the command again.");
    process.exit(1);
  }
}
