import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

/** An NVMe volume of EBS says its own id: https://docs.aws.amazon.com/ebs/latest/userguide/nvme-ebs-volumes.html, read 2026-11 */
const VOLUME_ID = /^vol-?([0-9a-f]{8}|[0-9a-f]{17})$/;

/** An EBS volume, and the number of the device that it is, as files on it have it. */
export interface Volume {
  readonly id: string;
  readonly dev: string;
}

/**
 * The EBS volume that holds a directory. What is made from a snapshot is another volume, though it has every file as it
 * was.
 *
 * @returns undefined where it is none, or cannot be told, as behind LVM
 */
export async function volumeOf(directory: string, root = "/"): Promise<Volume | undefined> {
  try {
    const { dev } = await stat(directory, { bigint: true });
    const device = await realpath(join(root, "sys/dev/block", deviceNumber(dev)));
    // A partition stands in the directory of its disk.
    const ids = await Promise.all([device, join(device, "..")].map((disk) => readVolumeId(disk)));
    const id = ids.find((id) => id !== undefined);
    return id === undefined ? undefined : { id, dev: `${dev}` };
  } catch {
    return undefined;
  }
}

async function readVolumeId(disk: string): Promise<string | undefined> {
  const text = await readFile(join(disk, "device/serial"), "utf8").catch(() => "");
  const [, id] = VOLUME_ID.exec(text.trim()) ?? [];
  return id && `vol-${id}`;
}

/** As Linux packs it: makedev(3). */
function deviceNumber(dev: bigint): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
  return `${major}:${BigInt.asUintN(32, minor)}`;
}
