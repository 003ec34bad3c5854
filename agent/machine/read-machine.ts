import { createHmac } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { isContainer } from "./container.ts";
import { asInstanceId, askInstanceId } from "./instance-metadata.ts";
import type { MachineId } from "./machine.ts";

const DMI = "sys/devices/virtual/dmi/id";

export interface MachineOptions {
  /** Where the system's files are. */
  readonly root?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/**
 * Everything that tells which machine this is, the surest first. What is away, or a placeholder, is left out.
 *
 * @param setting `machine` of the configuration
 */
export async function readMachine(
  setting: string | undefined,
  { root = "/", environment = process.env }: MachineOptions = {},
): Promise<MachineId[]> {
  const instance = await readInstanceId(root, environment, setting === undefined);
  const machineId = (await isContainer(root, environment)) ? undefined : await readMachineId(root);
  return [
    ...(setting === undefined ? [] : [{ kind: "machine", value: setting } as const]),
    ...(instance === undefined ? [] : [{ kind: "ec2-instance", value: instance } as const]),
    ...(machineId === undefined ? [] : [{ kind: "machine-id", value: machineId } as const]),
  ];
}

/**
 * The firmware of instances on Nitro says it, in containers, too.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html, read 2026-11
 */
async function readInstanceId(
  root: string,
  environment: NodeJS.ProcessEnv,
  mayAsk: boolean,
): Promise<string | undefined> {
  const vendor = await firstLine(join(root, DMI, "sys_vendor"));
  const isAmazon = vendor === "Amazon EC2";
  const tag = isAmazon ? asInstanceId(await firstLine(join(root, DMI, "board_asset_tag"))) : undefined;
  if (tag !== undefined || !mayAsk) return tag;
  // Instances on Xen name their hypervisor. What the firmware of others calls itself is not Amazon's metadata to tell.
  const mayBeInstance = vendor === undefined || isAmazon || vendor === "Xen";
  const isTold = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] !== undefined;
  return mayBeInstance || isTold ? askInstanceId(environment) : undefined;
}

const MACHINE_ID = /^[0-9a-f]{32}$/;

/**
 * A digest of /etc/machine-id, which is to leave its machine in no other form: machine-id(5).
 *
 * One that is mounted over the file is another machine's, or was made up for this boot alone.
 */
async function readMachineId(root: string): Promise<string | undefined> {
  const path = join(root, "etc/machine-id");
  const id = await firstLine(path);
  if (id === undefined || !MACHINE_ID.test(id) || /^0+$/.test(id)) return undefined;
  if (await isMounted(path, join(root, "etc"))) return undefined;
  return createHmac("sha256", id).update("weir agent").digest("hex").slice(0, 32);
}

async function isMounted(path: string, directory: string): Promise<boolean> {
  const [file, parent] = await Promise.all([stat(path), stat(directory)]);
  return file.dev !== parent.dev;
}

async function firstLine(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).split("\n", 1)[0]!.trim();
  } catch {
    return undefined;
  }
}
