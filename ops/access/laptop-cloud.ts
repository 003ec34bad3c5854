import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { CLOUD_FILE, type CloudFile, cloudFileSchema } from "../../wire/cloud-file.ts";
import { MAIN_WAREHOUSE } from "../../wire/warehouses.ts";
import { AccessError } from "./access-error.ts";
import type { PlaceNames } from "./place.ts";

/** One that hangs would keep the command for ever. */
const ANSWER_MS = 10_000;

/**
 * Reads from the folder of a laptop cloud where it is.
 *
 * @throws AccessError NOT_RUNNING, BAD_CLOUD_FILE
 */
export async function laptopCloudNames(dir: string): Promise<PlaceNames> {
  const folder = resolve(dir);
  const cloud = await readCloudFile(folder);
  if (!(await answers(cloud))) {
    throw notRunning(`the laptop cloud of ${folder} (pid ${cloud.pid}) does not run any more`, folder);
  }
  const { region, endpoints, buckets, stream, mapping, functions } = cloud;
  const { router, loader, loaders = {} } = functions;
  const main = loader === undefined ? [] : [[MAIN_WAREHOUSE, loader] as const];
  return {
    title: `the laptop cloud of ${folder}`,
    region,
    endpoints,
    buckets,
    stream,
    mapping,
    functions: { router, loaders: new Map([...main, ...Object.entries(loaders)]) },
  };
}

async function readCloudFile(folder: string): Promise<CloudFile> {
  const path = join(folder, CLOUD_FILE);
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT" && cause.code !== "ENOTDIR") throw cause;
    throw notRunning(`no laptop cloud runs in ${folder}`, folder, cause);
  });
  try {
    return cloudFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    const hint = "Was it started by another release?";
    throw new AccessError("BAD_CLOUD_FILE", `${path} cannot be read`, hint, { cause });
  }
}

function notRunning(message: string, folder: string, cause?: unknown): AccessError {
  return new AccessError("NOT_RUNNING", message, `Start one: npm start -- --dir ${folder}`, { cause });
}

/** Whether it is this very cloud that listens there: another may have its port by now. */
async function answers({ id, endpoints }: CloudFile): Promise<boolean> {
  try {
    const response = await fetch(endpoints.lambda, { signal: AbortSignal.timeout(ANSWER_MS) });
    return ((await response.json()) as { id?: unknown }).id === id;
  } catch {
    return false;
  }
}
