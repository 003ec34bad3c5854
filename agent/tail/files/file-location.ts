import { dirname } from "node:path";
import { CompressedFile, type Unpacked } from "./compressed-file.ts";
import { type FileIdentity, sameFile } from "../disk/file-identity.ts";
import { isLocal } from "../disk/file-system.ts";
import { OpenFile, type ReadableFile } from "../disk/open-file.ts";
import { isLink, type FileStat, statFile, statFileSync } from "../disk/file-stat.ts";

/** Where a file is: at a path, as long as that is its name, and at a handle, as long as that is open. */
export class FileLocation {
  file: FileIdentity;
  /** By another name, of which nothing is known here, it may change unnoticed. */
  hasOtherNames = false;
  /** Result of unpacking a compressed file, whose size and offsets are those of what comes out of it. */
  unpacked: Unpacked | undefined;
  #path: string;
  #open: ReadableFile | undefined;
  /** Of the path; undefined while that is not known. */
  #isLocal: boolean | undefined;
  #isLink = false;

  constructor(file: FileIdentity, path: string, unpacked: Unpacked | undefined) {
    this.file = file;
    this.#path = path;
    this.unpacked = unpacked;
  }

  /** At which it was last seen. */
  get path(): string {
    return this.#path;
  }

  set path(path: string) {
    if (path !== this.#path) this.#isLocal = undefined;
    this.#path = path;
  }

  get isOpen(): boolean {
    return this.#open !== undefined;
  }

  /** What is at its path now, if that is the file. */
  async atPath(): Promise<FileStat | undefined> {
    if (this.#isLocal === undefined) {
      this.#isLocal = isLocal(dirname(this.#path));
      this.#isLink = await isLink(this.#path);
    }
    const found = this.#isLocal ? statFileSync(this.#path) : await statFile(this.#path);
    this.hasOtherNames = this.#isLink || (found?.names ?? 1) > 1;
    return found && sameFile(found.file, this.file) ? this.#measured(found) : undefined;
  }

  /** As it is now, wherever that is. @throws when it cannot be opened */
  async atHandle(): Promise<FileStat> {
    return this.#measured(await (await this.opened()).stat(this.#path));
  }

  #measured(found: FileStat): FileStat {
    return this.unpacked ? { ...found, size: this.unpacked.bytes } : found;
  }

  /** @throws when it cannot be opened */
  async opened(): Promise<ReadableFile> {
    this.#open ??= await (this.unpacked ? CompressedFile : OpenFile).open(this.#path, this.file);
    if (this.#open) return this.#open;
    throw new Error(`${this.#path} was replaced while it was being opened`);
  }

  /** Goes on with the handle of another that stands for the same file. */
  takeOver(before: FileLocation): void {
    this.#open = before.#open;
    before.#open = undefined;
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.close();
  }
}
