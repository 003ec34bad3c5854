import { lstat, rm } from "node:fs/promises";

/** Removes the socket of an agent that died. The state directory's lock says that it is not another one's. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket()) await rm(path, { force: true });
}
