import type { BigIntStats, Dirent, Stats } from "node:fs";
import { basename, dirname } from "node:path";

/** Where simulated files are: everything else is left to the real file system. */
export const DISK_ROOT = "/simulated";

const TMPFS = 0x01021994;
const BLOCK_BYTES = 4_096;
/** Types in a mode: inode(7). */
const REGULAR = 0o100_000;
const DIRECTORY = 0o040_000;

/** Whatever its name is by now. */
export interface HeldFile {
  readonly inode: Inode;
}

interface Inode {
  readonly ino: number;
  readonly bornAtNs: bigint;
  changedAtNs: bigint;
  bytes: Buffer;
  names: number;
}

/** None of the kernel's own. */
let lastFd = 1_000_000;

/**
 * The log files of a host, in memory: what the agent's tail asks of a file system, with inodes, birth times and open
 * files that outlive their names. Times are those of whoever writes.
 */
export class Disk {
  readonly #now: () => number;
  readonly #directories = new Map<string, { changedAtNs: bigint; readonly ino: number }>();
  readonly #names = new Map<string, Inode>();
  readonly #open = new Map<number, Inode>();
  #lastInode = 100;
  /** No two changes have one time. */
  #lastNs = 0n;

  constructor(now: () => number) {
    this.#now = now;
  }

  static has(path: unknown): path is string {
    return typeof path === "string" && path.startsWith(DISK_ROOT);
  }

  makeDirectory(path: string): void {
    for (let at = path; at.startsWith(DISK_ROOT); at = dirname(at)) {
      if (!this.#directories.has(at))
        this.#directories.set(at, { changedAtNs: this.#tick(), ino: ++this.#lastInode });
    }
  }

  /** A file to be written to under whatever name it has by then; made where there is none. */
  hold(path: string): HeldFile {
    return { inode: this.#names.get(path) ?? this.#create(path) };
  }

  append({ inode }: HeldFile, text: string): void {
    inode.bytes = Buffer.concat([inode.bytes, Buffer.from(text)]);
    inode.changedAtNs = this.#tick();
  }

  rename(from: string, to: string): void {
    const inode = this.#inode(from);
    const over = this.#names.get(to);
    if (over) over.names--;
    this.#names.delete(from);
    this.#names.set(to, inode);
    this.#touch(dirname(from));
    this.#touch(dirname(to));
  }

  exists(path: string): boolean {
    return this.#names.has(path) || this.#directories.has(path);
  }

  /** As the image of a machine has it: the same inodes and times. */
  copy(now: () => number): Disk {
    const copy = new Disk(now);
    copy.#lastInode = this.#lastInode;
    for (const [path, directory] of this.#directories) copy.#directories.set(path, { ...directory });
    for (const [path, inode] of this.#names)
      copy.#names.set(path, { ...inode, bytes: Buffer.from(inode.bytes) });
    return copy;
  }

  stat(path: string, options?: { bigint?: boolean }): Stats | BigIntStats {
    const directory = this.#directories.get(path);
    if (directory) return directoryStats(directory, options?.bigint === true);
    return fileStats(this.#inode(path), options?.bigint === true);
  }

  readdir(path: string, options?: { withFileTypes?: boolean }): string[] | Dirent[] {
    if (!this.#directories.has(path)) throw systemError("ENOENT", "scandir", path);
    const files = [...this.#names.keys()].filter((name) => dirname(name) === path);
    const directories = [...this.#directories.keys()].filter(
      (name) => dirname(name) === path && name !== path,
    );
    if (options?.withFileTypes !== true) return [...files, ...directories].map((name) => basename(name));
    return [
      ...files.map((name) => entryOf(name, path, false)),
      ...directories.map((name) => entryOf(name, path, true)),
    ];
  }

  open(path: string): number {
    const inode = this.#inode(path);
    this.#open.set(++lastFd, inode);
    return lastFd;
  }

  isOpen(fd: unknown): boolean {
    return typeof fd === "number" && this.#open.has(fd);
  }

  close(fd: number): void {
    this.#open.delete(fd);
  }

  fstat(fd: number, options?: { bigint?: boolean }): Stats | BigIntStats {
    return fileStats(this.#open.get(fd)!, options?.bigint === true);
  }

  read(fd: number, buffer: Buffer, at: number, length: number, position: number): number {
    const { bytes } = this.#open.get(fd)!;
    return position >= bytes.length ? 0 : bytes.copy(buffer, at, position, position + length);
  }

  #create(path: string): Inode {
    const now = this.#tick();
    const inode = {
      ino: ++this.#lastInode,
      bornAtNs: now,
      changedAtNs: now,
      bytes: Buffer.alloc(0),
      names: 1,
    };
    this.#names.set(path, inode);
    this.#touch(dirname(path));
    return inode;
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path);
    if (inode === undefined) throw systemError("ENOENT", "open", path);
    return inode;
  }

  #touch(directory: string): void {
    this.makeDirectory(directory);
    this.#directories.get(directory)!.changedAtNs = this.#tick();
  }

  #tick(): bigint {
    const now = BigInt(Math.floor(this.#now())) * 1_000_000n;
    // A clock that was set back says earlier times again, none twice.
    this.#lastNs = (this.#lastNs + 1n) % 1_000_000n;
    return now + this.#lastNs;
  }
}

function systemError(code: string, call: string, path: string): Error {
  return Object.assign(new Error(`${code}: no such file or directory, ${call} '${path}'`), { code, path });
}

const entryOf = (path: string, parentPath: string, isDirectory: boolean): Dirent =>
  ({
    name: basename(path),
    parentPath,
    isFile: () => !isDirectory,
    isDirectory: () => isDirectory,
    isSymbolicLink: () => false,
  }) as Dirent;

function fileStats({ ino, bornAtNs, changedAtNs, bytes, names }: Inode, isBig: boolean): Stats | BigIntStats {
  return stats(
    {
      ino,
      size: bytes.length,
      nlink: names,
      bornAtNs,
      changedAtNs,
      mode: REGULAR | 0o644,
    },
    isBig,
  );
}

const directoryStats = (
  { ino, changedAtNs }: { ino: number; changedAtNs: bigint },
  isBig: boolean,
): Stats | BigIntStats =>
  stats({ ino, size: 0, nlink: 2, bornAtNs: 1n, changedAtNs, mode: DIRECTORY | 0o755 }, isBig);

interface Facts {
  readonly ino: number;
  readonly size: number;
  readonly nlink: number;
  readonly mode: number;
  readonly bornAtNs: bigint;
  readonly changedAtNs: bigint;
}

function stats({ bornAtNs, changedAtNs, ...facts }: Facts, isBig: boolean): Stats | BigIntStats {
  const isDirectory = (facts.mode & DIRECTORY) !== 0;
  const kind = {
    isFile: () => !isDirectory,
    isDirectory: () => isDirectory,
    isSymbolicLink: () => false,
  };
  const numbers = { ...facts, dev: 1, uid: 0, gid: 0, blksize: BLOCK_BYTES };
  if (!isBig) return { ...numbers, ...kind, mtimeMs: Number(changedAtNs / 1_000_000n) } as unknown as Stats;
  const big = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, BigInt(value)]));
  const times = { birthtimeNs: bornAtNs, mtimeNs: changedAtNs, ctimeNs: changedAtNs };
  return { ...big, ...kind, ...times } as unknown as BigIntStats;
}

/** Of statfs(2): the agent asks it at once, as it does local file systems. */
export const DISK_STATFS = { type: TMPFS, bavail: 1_000_000, bsize: BLOCK_BYTES } as const;
