import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { ListedSegment } from "./segment-listing.ts";

/** Of one place; a million commits take about a tenth. */
const MAX_BYTES = 2 ** 30;
/** Nobody has read a place for so long: its folder is removed. */
const UNUSED_MS = 30 * 86_400_000;
const DIGEST_BYTES = 32;

/** Where the segments of all places are kept: a folder for each. "XDG Base Directory Specification" 0.8 */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_CACHE_HOME = "" } = environment;
  return join(isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), ".cache"), "weir", "log");
}

/**
 * Segments of one place's log on the local disk, since they never change. A file begins with the SHA-256 of the rest
 * and appears under its name once it is whole: what was cut or spoilt is not used, and several commands may read and write
 * at the same time. Where the disk fails, everything is read from S3.
 *
 * When there is no room, the earliest segments give way: what is asked for again is mostly the end of the log.
 */
export class SegmentCache {
  readonly #folder: string;
  readonly #maxBytes: number;
  /** Names and sizes of the files, the earliest segment first. */
  readonly #files: Map<string, number>;
  #bytes: number;

  private constructor(folder: string, maxBytes: number, files: Map<string, number>) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
    this.#files = files;
    this.#bytes = [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /**
   * @param place names the log that the segments are of, in any words
   * @param root folder of all places; the user's cache if absent
   * @returns undefined where there is nowhere to keep them
   */
  static async open(place: string, root?: string, maxBytes = MAX_BYTES): Promise<SegmentCache | undefined> {
    try {
      const all = root ?? cacheFolder();
      const folder = join(all, createHash("sha256").update(place).digest("hex").slice(0, 16));
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await utimes(folder, new Date(), new Date());
      await removeUnused(all);
      return new SegmentCache(folder, maxBytes, await sizes(folder));
    } catch {
      return undefined;
    }
  }

  /** @returns undefined for what it does not have, or not as it was put */
  async get(segment: ListedSegment): Promise<Buffer | undefined> {
    const name = fileName(segment);
    if (!this.#files.has(name)) return undefined;
    try {
      const file = await readFile(join(this.#folder, name));
      const body = file.subarray(DIGEST_BYTES);
      if (body.length === segment.bytes && digest(body).equals(file.subarray(0, DIGEST_BYTES))) return body;
    } catch {
      // Another command has made room.
    }
    await this.#remove(name);
    return undefined;
  }

  async put(segment: ListedSegment, body: Buffer): Promise<void> {
    const name = fileName(segment);
    const bytes = body.length + DIGEST_BYTES;
    if (!(await this.#makeRoom(bytes, name))) return;
    const path = join(this.#folder, name);
    const unfinished = `${path}.${process.pid}.${randomBytes(4).toString("hex")}${UNFINISHED}`;
    try {
      await writeFile(unfinished, Buffer.concat([digest(body), body]), { mode: 0o600 });
      await rename(unfinished, path);
      this.#files.set(name, bytes);
      this.#bytes += bytes;
    } catch {
      await rm(unfinished, { force: true }).catch(() => {});
    }
  }

  /** @returns whether there is room, without giving up a later segment */
  async #makeRoom(bytes: number, name: string): Promise<boolean> {
    for (const first of [...this.#files.keys()].toSorted()) {
      if (this.#bytes + bytes <= this.#maxBytes) break;
      if (first >= name) return false;
      await this.#remove(first);
    }
    return this.#bytes + bytes <= this.#maxBytes;
  }

  async #remove(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true }).catch(() => {});
    this.#bytes -= this.#files.get(name) ?? 0;
    this.#files.delete(name);
  }
}

const UNFINISHED = ".part";

/** An ETag is text of S3's own. */
function fileName({ segment, etag }: ListedSegment): string {
  return `${String(segment).padStart(20, "0")}-${etag.replaceAll(/[^0-9A-Za-z-]/g, "")}`;
}

const digest = (body: Buffer): Buffer => createHash("sha256").update(body).digest();

/** What a command that was killed has left unfinished goes after a while: it may be another command's. */
async function sizes(folder: string): Promise<Map<string, number>> {
  const files = new Map<string, number>();
  for (const name of (await readdir(folder)).toSorted()) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found === undefined) continue;
    if (!name.endsWith(UNFINISHED)) files.set(name, found.size);
    else if (found.mtimeMs < Date.now() - 3_600_000) await rm(join(folder, name), { force: true });
  }
  return files;
}

async function removeUnused(root: string): Promise<void> {
  for (const place of await readdir(root)) {
    const { mtimeMs } = await stat(join(root, place));
    if (mtimeMs < Date.now() - UNUSED_MS) await rm(join(root, place), { recursive: true, force: true });
  }
}
