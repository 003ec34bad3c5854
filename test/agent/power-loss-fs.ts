import { dirname } from "node:path";
import type { DurableFile, DurableFs } from "../../agent/machine/durable-fs.ts";

interface Inode {
  /** As a running process sees it. */
  bytes: Buffer;
  synced: Buffer;
  /** Since the last sync, in their order. */
  unsynced: { bytes: Buffer; position: number }[];
}

export type Operation = "create" | "write" | "datasync" | "remove" | "rename" | "syncDirectory" | "read";

/**
 * A file system in memory with what POSIX promises and no more: after a power loss, what was not
 * synced is there or not, in any combination, torn or zeroed, and so are names that were made or removed.
 */
export class PowerLossFs implements DurableFs {
  readonly #names = new Map<string, Inode>();
  readonly #syncedNames = new Map<string, Inode>();
  /** Called before each operation; throws to let it fail, or never settles after a crash. */
  before: (operation: Operation, path: string) => Promise<void> | void = () => {};

  /** Of the disk, before anything is on it. */
  room = Infinity;

  async freeBytes(): Promise<number> {
    return this.room - this.bytes;
  }

  get bytes(): number {
    let bytes = 0;
    for (const inode of this.#names.values()) bytes += inode.bytes.length;
    return bytes;
  }

  /** @param chance in [0, 1), decides what survives of each thing that was not synced */
  powerLoss(chance: () => number): void {
    const names = new Set([...this.#names.keys(), ...this.#syncedNames.keys()]);
    for (const name of names) {
      const [now, synced] = [this.#names.get(name), this.#syncedNames.get(name)];
      const survivor = now === synced || chance() < 0.5 ? synced : now;
      if (survivor) this.#names.set(name, survivor);
      else this.#names.delete(name);
    }
    for (const inode of this.#names.values()) {
      let bytes: Buffer = Buffer.from(inode.synced);
      for (const write of inode.unsynced) bytes = afterLoss(bytes, write, chance);
      Object.assign(inode, { bytes, synced: bytes, unsynced: [] });
    }
    this.#syncedNames.clear();
    for (const [name, inode] of this.#names) this.#syncedNames.set(name, inode);
  }

  /** Changes bytes behind everybody's back. */
  overwrite(path: string, position: number, bytes: Buffer): void {
    const inode = this.#names.get(path)!;
    inode.bytes = patched(inode.bytes, { bytes, position });
  }

  async makeDirectory(): Promise<void> {}

  async list(directory: string): Promise<string[]> {
    return Array.from(this.#names.keys())
      .filter((name) => dirname(name) === directory)
      .map((name) => name.slice(directory.length + 1));
  }

  async create(path: string): Promise<DurableFile> {
    await this.before("create", path);
    if (this.#names.has(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: "EEXIST" });
    const inode: Inode = { bytes: Buffer.alloc(0), synced: Buffer.alloc(0), unsynced: [] };
    this.#names.set(path, inode);
    return this.#fileOf(inode, path);
  }

  async open(path: string): Promise<DurableFile> {
    const inode = this.#names.get(path);
    if (!inode) throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return this.#fileOf(inode, path);
  }

  async remove(path: string): Promise<void> {
    await this.before("remove", path);
    this.#names.delete(path);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.before("rename", from);
    this.#names.set(to, this.#names.get(from)!);
    this.#names.delete(from);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.before("syncDirectory", path);
    for (const [name, inode] of this.#names) if (dirname(name) === path) this.#syncedNames.set(name, inode);
    for (const name of this.#syncedNames.keys()) {
      if (dirname(name) === path && !this.#names.has(name)) this.#syncedNames.delete(name);
    }
  }

  #fileOf(inode: Inode, path: string): DurableFile {
    return {
      read: async (buffer, position) => {
        await this.before("read", path);
        return position < inode.bytes.length ? inode.bytes.copy(buffer, 0, position) : 0;
      },
      write: async (bytes, position) => {
        const write = { bytes: Buffer.from(bytes), position };
        try {
          await this.before("write", path);
        } catch (error) {
          // A write that fails has often begun.
          const half = { ...write, bytes: write.bytes.subarray(0, bytes.length >> 1) };
          inode.bytes = patched(inode.bytes, half);
          inode.unsynced.push(half);
          throw error;
        }
        inode.bytes = patched(inode.bytes, write);
        inode.unsynced.push(write);
      },
      datasync: async () => {
        await this.before("datasync", path);
        inode.synced = Buffer.from(inode.bytes);
        inode.unsynced = [];
      },
      bornAtNs: async () => undefined,
      close: async () => {},
    };
  }
}

function patched(bytes: Buffer, write: { bytes: Buffer; position: number }): Buffer {
  const out = Buffer.alloc(Math.max(bytes.length, write.position + write.bytes.length));
  bytes.copy(out);
  write.bytes.copy(out, write.position);
  return out;
}

function afterLoss(bytes: Buffer, write: { bytes: Buffer; position: number }, chance: () => number): Buffer {
  const fate = chance();
  if (fate < 0.25) return bytes;
  if (fate < 0.5) return patched(bytes, write);
  const torn = Math.floor(chance() * write.bytes.length);
  // Cut, or its length kept and the rest zeroed.
  if (fate < 0.75) return patched(bytes, { ...write, bytes: write.bytes.subarray(0, torn) });
  return patched(bytes, { ...write, bytes: Buffer.from(write.bytes).fill(0, torn) });
}
