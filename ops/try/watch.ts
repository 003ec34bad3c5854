import { spawn } from "node:child_process";
import { once } from "node:events";
import { watchFile } from "node:fs";

/** Editors replace files, so they are looked at by name. */
const LOOK_EVERY_MS = 300;

/**
 * Runs this command without --watch, now and whenever one of the files has changed: in a process of its own each time,
 * since a module that was imported stays as it was.
 */
export async function watchAndRun(files: readonly string[]): Promise<never> {
  let wake = (): void => {};
  for (const file of files) watchFile(file, { interval: LOOK_EVERY_MS }, () => wake());
  const args = [...process.execArgv, ...process.argv.slice(1).filter((arg) => arg !== "--watch")];
  for (;;) {
    const changed = new Promise<void>((resolve) => {
      wake = resolve;
    });
    if (process.stdout.isTTY) console.clear();
    await once(spawn(process.execPath, args, { stdio: "inherit" }), "exit");
    await changed;
  }
}
