import { lastingKey } from "../disk/file-identity.ts";
import type { FollowedFile } from "../files/followed-file.ts";
import type { FileStat } from "../disk/file-stat.ts";

/** An original that is to be truncated is so right after it was copied, and no copy rests for as long. */
const COPY_RESTS_MS = 10_000;

/** No copy is made more slowly. */
const COPY_BYTES_PER_MS = 1_000;

/** More than a host rotates at once: of those before, nobody waits any more. */
const MOST = 10_000;

interface Pending {
  readonly sinceMs: number;
  /** All that it held, at this size and time, was in this file. */
  readonly original: FollowedFile | undefined;
  readonly size: number;
  readonly mtimeNs: string;
}

/**
 * Files that may be copies of others which are there still. They wait, for a short while, until the original
 * is truncated, and are files of their own when it is not.
 */
export class PendingCopies {
  readonly #pending = new Map<string, Pending>();

  /** The file that held all that a copy holds, if it has not changed since that was found. */
  originalOf({ file, size, mtimeNs }: FileStat): FollowedFile | undefined {
    const pending = this.#pending.get(lastingKey(file));
    return pending?.size === size && pending.mtimeNs === mtimeNs ? pending.original : undefined;
  }

  /** @returns false when it has waited for long enough */
  waits(found: FileStat, candidates: readonly FollowedFile[], original: FollowedFile | undefined): boolean {
    const key = lastingKey(found.file);
    const nowMs = performance.now();
    const sinceMs = this.#pending.get(key)?.sinceMs ?? nowMs;
    const bytes = Math.max(0, ...candidates.map(({ size }) => size));
    if (nowMs - sinceMs > COPY_RESTS_MS + bytes / COPY_BYTES_PER_MS) return false;
    this.#pending.delete(key);
    this.#pending.set(key, { sinceMs, original, size: found.size, mtimeNs: found.mtimeNs });
    if (this.#pending.size > MOST) this.#pending.delete(this.#pending.keys().next().value!);
    return true;
  }

  delete({ file }: FileStat): void {
    this.#pending.delete(lastingKey(file));
  }
}

/** Not changed for a while; or at a time that is still to come, which tells nothing. */
export function hasRested({ mtimeNs }: FileStat): boolean {
  return Math.abs(Date.now() - Number(mtimeNs) / 1e6) >= COPY_RESTS_MS;
}
