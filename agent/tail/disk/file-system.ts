import { statfsSync } from "node:fs";

/**
 * Types of file systems whose data is on this machine: a look takes microseconds and never hangs, and the
 * kernel tells of every change. Others may be a server that does not answer. source: statfs(2)
 */
const LOCAL_TYPES = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // XFS
  0x9123683e, // Btrfs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
  0x2fc12fc1, // ZFS
  0xf2f52010, // F2FS
]);

/** False where that is not known. */
export function isLocal(directory: string): boolean {
  try {
    return LOCAL_TYPES.has(statfsSync(directory).type);
  } catch {
    return false;
  }
}
