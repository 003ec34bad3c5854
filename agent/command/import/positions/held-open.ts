import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";

const PROC = "/proc";

/**
 * A process that has a file open, such as an agent that has not been stopped.
 *
 * @returns undefined where there is none, or where the system does not tell us
 */
export async function holderOf(file: string): Promise<string | undefined> {
  const path = await realpath(file);
  const processes = (await names(PROC)).filter((name) => /^\d+$/.test(name) && name !== `${process.pid}`);
  for (const id of processes) {
    for (const descriptor of await names(join(PROC, id, "fd"))) {
      if ((await readlink(join(PROC, id, "fd", descriptor)).catch(() => "")) !== path) continue;
      const command = await readFile(join(PROC, id, "comm"), "utf8").catch(() => "");
      return `process ${id} (${command.trim()})`;
    }
  }
  return undefined;
}

async function names(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}
