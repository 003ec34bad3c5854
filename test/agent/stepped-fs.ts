import type * as FsPromises from "node:fs/promises";

type FileSystem = typeof FsPromises;
type Between = (what: string) => Promise<void>;

let between: Between | undefined;
/** Operations that were asked for at once come one after the other. */
let last: Promise<void> = Promise.resolve();

/**
 * Runs something while `step` comes before each operation on the file system that it asks for. What `step`
 * does itself is left alone.
 */
export async function withSteps<T>(step: Between, run: () => Promise<T>): Promise<T> {
  between = step;
  try {
    return await run();
  } finally {
    between = undefined;
  }
}

/** @param what comes after it */
export function takeStep(what: string): Promise<void> {
  if (between === undefined) return Promise.resolve();
  const taken = stepAfter(last, between, what);
  last = taken.catch(() => {});
  return taken;
}

async function stepAfter(before: Promise<void>, step: Between, what: string): Promise<void> {
  await before;
  between = undefined;
  try {
    await step(what);
  } finally {
    between = step;
  }
}

/** For `vi.mock("node:fs/promises")`. */
export function stepped(real: FileSystem): FileSystem {
  const before = (name: string, run: (...args: unknown[]) => Promise<unknown>) => {
    return async (...args: unknown[]): Promise<unknown> => {
      await takeStep(name);
      return run(...args);
    };
  };
  const open: FileSystem["open"] = async (...args) => {
    const path = String(args[0]);
    await takeStep(`open ${path}`);
    const handle = await real.open(...args);
    const read = handle.read.bind(handle) as (...args: unknown[]) => Promise<unknown>;
    const stat = handle.stat.bind(handle) as (...args: unknown[]) => Promise<unknown>;
    return Object.assign(handle, {
      read: before(`read of ${path}`, read),
      stat: before(`stat of ${path}`, stat),
    });
  };
  const stat = before("stat", real.stat as (...args: unknown[]) => Promise<unknown>);
  const lstat = before("lstat", real.lstat as (...args: unknown[]) => Promise<unknown>);
  const readdir = before("readdir", real.readdir as (...args: unknown[]) => Promise<unknown>);
  return { ...real, open, stat, lstat, readdir } as FileSystem;
}
