import type * as Crypto from "node:crypto";
import type * as Fs from "node:fs";
import type * as FsPromises from "node:fs/promises";
import { Transform, type TransformCallback } from "node:stream";
import type * as TimersPromises from "node:timers/promises";
import type * as Zlib from "node:zlib";
import type { Random } from "../../sequencer/random.ts";
import { Disk, DISK_STATFS } from "./disk.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What the product asks of Node that a seed has to decide. */
export interface Platform {
  readonly time: VirtualTime;
  readonly random: Random;
}

let current: Platform | undefined;

/** Runs something on a simulated platform, and nothing else meanwhile. */
export async function onPlatform<T>(platform: Platform, run: () => Promise<T>): Promise<T> {
  // As when a test's time is up, and it goes on all the same.
  if (current) throw new Error("another history is being simulated");
  current = platform;
  const restoreTime = platform.time.install();
  const { random } = Math;
  Math.random = () => platform.random.next();
  try {
    return await run();
  } finally {
    Math.random = random;
    restoreTime();
    current = undefined;
  }
}

/** Of the machine that asks. */
const diskOf = (path: unknown): Disk | undefined =>
  Disk.has(path) ? current?.time.machine?.disk : undefined;

type Method = (...args: never[]) => unknown;

/** The real one, unless the path is on a simulated disk. */
const byPath = <T extends Method>(real: T, simulated: (disk: Disk, ...args: never[]) => unknown): T =>
  ((...args: never[]) => {
    const disk = diskOf(args[0]);
    return disk ? simulated(disk, ...args) : real(...args);
  }) as unknown as T;

const byPathLater = <T extends Method>(real: T, simulated: (disk: Disk, ...args: never[]) => unknown): T =>
  byPath(real, async (disk, ...args) => simulated(disk, ...args));

const byFd = <T extends Method>(real: T, simulated: (disk: Disk, ...args: never[]) => unknown): T =>
  ((...args: never[]) => {
    const disk = current?.time.machine?.disk;
    return disk?.isOpen(args[0]) ? simulated(disk, ...args) : real(...args);
  }) as unknown as T;

type StatOptions = { bigint?: boolean; throwIfNoEntry?: boolean };

/** For `vi.mock("node:fs")`. */
export function simulatedFs(real: typeof Fs): typeof Fs {
  const fs = {
    ...real,
    statSync: byPath(real.statSync, (disk, path: string, options?: StatOptions) =>
      options?.throwIfNoEntry === false && !disk.exists(path) ? undefined : disk.stat(path, options),
    ),
    existsSync: byPath(real.existsSync, (disk, path: string) => disk.exists(path)),
    openSync: byPath(real.openSync, (disk, path: string) => disk.open(path)),
    statfsSync: byPath(real.statfsSync, () => DISK_STATFS),
    closeSync: byFd(real.closeSync, (disk, fd: number) => disk.close(fd)),
    fstatSync: byFd(real.fstatSync as Method, (disk, fd: number, options?: StatOptions) =>
      disk.fstat(fd, options),
    ),
    readSync: byFd(
      real.readSync as Method,
      (disk, fd: number, buffer: Buffer, at: number, length: number, position: number) =>
        disk.read(fd, buffer, at, length, position),
    ),
  };
  return { ...fs, default: fs } as unknown as typeof Fs;
}

/** For `vi.mock("node:fs/promises")`. */
export function simulatedFsPromises(real: typeof FsPromises): typeof FsPromises {
  const fs = {
    ...real,
    stat: byPathLater(real.stat as Method, (disk, path: string, options?: StatOptions) =>
      disk.stat(path, options),
    ),
    lstat: byPathLater(real.lstat as Method, (disk, path: string, options?: StatOptions) =>
      disk.stat(path, options),
    ),
    readdir: byPathLater(
      real.readdir as Method,
      (disk, path: string, options?: { withFileTypes?: boolean }) => disk.readdir(path, options),
    ),
    opendir: byPathLater(real.opendir, (disk, path: string) => disk.readdir(path, { withFileTypes: true })),
    realpath: byPathLater(real.realpath as Method, (_, path: string) => path),
    access: byPathLater(real.access, () => undefined),
    open: byPathLater(real.open, (disk, path: string) => handleOf(disk, disk.open(path))),
  };
  return { ...fs, default: fs } as unknown as typeof FsPromises;
}

function handleOf(disk: Disk, fd: number): object {
  const close = async (): Promise<void> => disk.close(fd);
  return {
    fd,
    stat: async (options?: StatOptions) => disk.fstat(fd, options),
    read: async (buffer: Buffer, at: number, length: number, position: number) => ({
      buffer,
      bytesRead: disk.read(fd, buffer, at, length, position),
    }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** For `vi.mock("node:timers/promises")`. */
export function simulatedTimers(real: typeof TimersPromises): typeof TimersPromises {
  const setTimeout = (ms?: number, value?: unknown, options: { signal?: AbortSignal } = {}) =>
    current ? current.time.sleep(ms, options.signal).then(() => value) : real.setTimeout(ms, value, options);
  const timers = { ...real, setTimeout };
  return { ...timers, default: timers } as typeof TimersPromises;
}

/** More than any id has; what is longer only takes room. */
const RANDOM_BYTES = 32;

/** For `vi.mock("node:crypto")`. */
export function simulatedCrypto(real: typeof Crypto): typeof Crypto {
  const randomBytes = (size: number): Buffer => {
    if (current === undefined) return real.randomBytes(size);
    const { random } = current;
    const seed = Uint8Array.from({ length: Math.min(size, RANDOM_BYTES) }, () => random.int(0, 255));
    return Buffer.alloc(size, seed);
  };
  const crypto = { ...real, randomBytes };
  return { ...crypto, default: crypto } as unknown as typeof Crypto;
}

/** For `vi.mock("node:zlib")`: streams that are done within the turn they are written in, without another thread. */
export function simulatedZlib(real: typeof Zlib): typeof Zlib {
  const inOneTurn = (
    make: Method,
    convert: (bytes: Buffer, options: never) => Buffer,
    isFlushed: (options: never) => boolean = () => false,
  ) =>
    ((options: never) =>
      current
        ? new WholeTransform((bytes) => convert(bytes, options), isFlushed(options))
        : make(options)) as Method;
  const zlib = {
    ...real,
    createZstdCompress: inOneTurn(
      real.createZstdCompress,
      (bytes, options) => real.zstdCompressSync(bytes, options),
      (options) => (options as Zlib.ZstdOptions | undefined)?.flush === real.constants.ZSTD_e_end,
    ),
    createZstdDecompress: inOneTurn(real.createZstdDecompress, (bytes) => real.zstdDecompressSync(bytes)),
    createGunzip: inOneTurn(real.createGunzip, (bytes) => real.gunzipSync(bytes)),
    createGzip: inOneTurn(real.createGzip, (bytes) => real.gzipSync(bytes)),
  };
  return { ...zlib, default: zlib } as unknown as typeof Zlib;
}

class WholeTransform extends Transform {
  #chunks: Buffer[] = [];
  readonly #convert: (bytes: Buffer) => Buffer;
  readonly #isFlushed: boolean;

  /** @param isFlushed with each write, otherwise at the end */
  constructor(convert: (bytes: Buffer) => Buffer, isFlushed: boolean) {
    super();
    this.#convert = convert;
    this.#isFlushed = isFlushed;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#chunks.push(chunk);
    if (this.#isFlushed) this.#convertAll(done);
    else done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#isFlushed) done();
    else this.#convertAll(done);
  }

  #convertAll(done: TransformCallback): void {
    const chunks = this.#chunks;
    this.#chunks = [];
    try {
      done(null, this.#convert(Buffer.concat(chunks)));
    } catch (error) {
      done(error as Error);
    }
  }
}
