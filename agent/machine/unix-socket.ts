import { chmod, chown, lstat, readFile, rm } from "node:fs/promises";
import type { SocketAccess } from "../config/socket-config.ts";

/** Leaves the owner as it is. source: chown(2) */
const SAME_OWNER = -1;
const GROUPS = "/etc/group";

/**
 * Lets those use a Unix socket that may: first the group, so that nobody else's members can in between.
 *
 * @throws Error of the system, or where there is no such group
 */
export async function applySocketAccess(
  path: string,
  { unix_mode, unix_group }: SocketAccess,
): Promise<void> {
  if (unix_group !== undefined) await chown(path, SAME_OWNER, await groupId(unix_group));
  if (unix_mode !== undefined) await chmod(path, Number.parseInt(unix_mode, 8));
}

async function groupId(group: string | number): Promise<number> {
  if (typeof group === "number") return group;
  const lines = (await readFile(GROUPS, "utf8")).split("\n").map((line) => line.split(":"));
  const id = lines.find(([name]) => name === group)?.[2];
  if (id === undefined) throw new Error(`there is no group ${group} in ${GROUPS}; give its number`);
  return Number(id);
}

/** Removes the socket of an agent that died. The state directory's lock says that it is not another one's. */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket()) await rm(path, { force: true });
}
