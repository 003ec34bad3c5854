import { fstatSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, statfs, type FileHandle } from "node:fs/promises";

/** A file of which it matters what is on disk. */
export interface DurableFile {
  /** @returns bytes read: fewer than asked for at the end of the file */
  read(buffer: Buffer, position: number): Promise<number>;
  /** Writes all of it, or fails. */
  write(bytes: Buffer, position: number): Promise<void>;
  /** What was written survives a power loss once this resolves. */
  datasync(): Promise<void>;
  /** When it was made, which a copy of it was not; undefined where the file system does not keep that. */
  bornAtNs(): Promise<string | undefined>;
  close(): Promise<void>;
}

/** What the spool and the checkpoint ask of a file system; tests have one that loses what was not synced. */
export interface DurableFs {
  makeDirectory(path: string): Promise<void>;
  list(directory: string): Promise<string[]>;
  /** Fails where there is a file of that name. */
  create(path: string): Promise<DurableFile>;
  open(path: string): Promise<DurableFile>;
  /** Does nothing where there is no such file. */
  remove(path: string): Promise<void>;
  /** In the place of what has the new name. */
  rename(from: string, to: string): Promise<void>;
  /** Names that were made, changed or removed in it survive a power loss once this resolves. */
  syncDirectory(path: string): Promise<void>;
  /** That are left for us on the disk of the directory. */
  freeBytes(path: string): Promise<number>;
}

export const diskFs: DurableFs = {
  async makeDirectory(path) {
    await mkdir(path, { recursive: true, mode: 0o750 });
  },
  list: (directory) => readdir(directory),
  create: async (path) => new DiskFile(await open(path, "wx+", 0o600)),
  open: async (path) => new DiskFile(await open(path, "r")),
  remove: (path) => rm(path, { force: true }),
  rename,
  async syncDirectory(path) {
    await using directory = await open(path);
    await directory.sync();
  },
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

class DiskFile implements DurableFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    let at = 0;
    while (at < buffer.length) {
      const { bytesRead } = await this.#handle.read(buffer, at, buffer.length - at, position + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return at;
  }

  async write(bytes: Buffer, position: number): Promise<void> {
    let at = 0;
    while (at < bytes.length) {
      at += (await this.#handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
    }
  }

  datasync(): Promise<void> {
    return this.#handle.datasync();
  }

  async bornAtNs(): Promise<string | undefined> {
    // What is open is known without a look at the disk.
    const { birthtimeNs } = fstatSync(this.#handle.fd, { bigint: true });
    return birthtimeNs === 0n ? undefined : `${birthtimeNs}`;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}
