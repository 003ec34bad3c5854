/**
 * Preloaded into an agent (`node --import`), kills its process at one call of the file system, which
 * WEIR_TEST_KILL_AT describes in JSON. The agent itself knows nothing of it.
 */
import fs from "node:fs";
import promises, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

export type Operation = "open" | "read" | "write" | "datasync" | "sync" | "rename" | "rm";

/** Methods of a file handle, as its class has them. */
type Call = (this: FileHandle, ...rest: unknown[]) => Promise<object>;
type HandleCalls = Readonly<Record<"read" | "write" | "datasync" | "sync", Call>>;

/** A moment in the life of an agent. */
export interface KillAt {
  readonly operation: Operation;
  /** Regular expression of the path. */
  readonly path: string;
  /** Of the matching calls, from 1. */
  readonly call: number;
  /** Half: a write that has got half of its bytes to the file. */
  readonly when: "before" | "half" | "after";
}

const text = process.env["WEIR_TEST_KILL_AT"];
if (text !== undefined) patch(JSON.parse(text) as KillAt);

function patch({ operation, path, call, when }: KillAt): void {
  const pattern = new RegExp(path);
  const paths = new WeakMap<object, string>();
  const pathsByFd = new Map<number, string>();
  let calls = 0;

  const isIt = (name: Operation, on: string): boolean =>
    name === operation && pattern.test(on) && ++calls === call;

  /** Runs a call of the file system, unless it is the one. */
  async function around<T>(
    name: Operation,
    on: string,
    run: () => Promise<T>,
    half?: () => Promise<unknown>,
  ): Promise<T> {
    const isThis = isIt(name, on);
    if (isThis && when === "before") die();
    if (isThis && when === "half") await half!().then(die);
    const result = await run();
    if (isThis) die();
    return result;
  }

  const { open, rename, rm } = promises;
  let isPatched = false;
  Object.assign(promises, {
    open: (on: string, ...rest: []) =>
      around("open", on, async () => {
        const handle = await open(on, ...rest);
        paths.set(handle, on);
        pathsByFd.set(handle.fd, on);
        if (!isPatched) patchHandles(Object.getPrototypeOf(handle) as HandleCalls);
        isPatched = true;
        return handle;
      }),
    rename: (from: string, to: string) => around("rename", from, () => rename(from, to)),
    rm: (on: string, ...rest: []) => around("rm", on, () => rm(on, ...rest)),
  });
  const { openSync, readSync } = fs;
  Object.assign(fs, {
    openSync: (on: string, flags: number) => {
      const isThis = isIt("open", on);
      if (isThis && when === "before") die();
      const fd = openSync(on, flags);
      if (isThis) die();
      pathsByFd.set(fd, on);
      return fd;
    },
    readSync: (fd: number, bytes: Buffer, at: number, length: number, position: number) => {
      const read = (): number => readSync(fd, bytes, at, length, position);
      const isThis = isIt("read", pathsByFd.get(fd) ?? "");
      if (isThis && when === "before") die();
      const bytesRead = read();
      if (isThis) die();
      return bytesRead;
    },
  });
  syncBuiltinESMExports();

  function patchHandles(prototype: HandleCalls): void {
    const { write } = prototype;
    const onOf = (handle: FileHandle) => paths.get(handle) ?? "";
    for (const name of ["read", "datasync", "sync"] as const) {
      const call = prototype[name];
      Object.assign(prototype, {
        [name](this: FileHandle, ...rest: unknown[]) {
          return around(name, onOf(this), () => call.apply(this, rest));
        },
      });
    }
    Object.assign(prototype, {
      write(this: FileHandle, bytes: Buffer, at: number, length: number, position: number) {
        const part = (length: number) => write.call(this, bytes, at, length, position);
        return around(
          "write",
          onOf(this),
          () => part(length),
          () => part(length >> 1),
        );
      },
    });
  }
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  throw new Error("killed");
}
