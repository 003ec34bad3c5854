import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CLOUD_FILE, type CloudFile } from "../wire/cloud-file.ts";

/** Says in a cloud's folder where it is, until it is stopped. A reader finds all of it or nothing. */
export async function announce(dir: string, cloud: CloudFile): Promise<{ stop(): Promise<void> }> {
  const path = join(dir, CLOUD_FILE);
  await writeFile(`${path}.new`, `${JSON.stringify(cloud, null, 2)}\n`);
  await rename(`${path}.new`, path);
  return { stop: () => rm(path, { force: true }) };
}
