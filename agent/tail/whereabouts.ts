import { dirname } from "node:path";
import { type FileIdentity, sameFile } from "./file-identity.ts";
import { isLocal } from "./file-system.ts";
import { OpenFile } from "./open-file.ts";
import { isLink, type Sighting, sight, sightAtOnce } from "./sighting.ts";

/** Where a file is: at a path, as long as that is its name, and at a handle, as long as that is open. */
export class Whereabouts {
  file: FileIdentity;
  /** By another name, of which nothing is known here, it may change unnoticed. */
  hasOtherNames = false;
  #path: string;
  #open: OpenFile | undefined;
  /** Of the path; undefined while that is not known. */
  #isLocal: boolean | undefined;
  #isLink = false;

  constructor(file: FileIdentity, path: string) {
    this.file = file;
    this.#path = path;
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
  async atPath(): Promise<Sighting | undefined> {
    if (this.#isLocal === undefined) {
      this.#isLocal = isLocal(dirname(this.#path));
      this.#isLink = await isLink(this.#path);
    }
    const found = this.#isLocal ? sightAtOnce(this.#path) : await sight(this.#path);
    this.hasOtherNames = this.#isLink || (found?.names ?? 1) > 1;
    return found && sameFile(found.file, this.file) ? found : undefined;
  }

  /** As it is now, wherever that is. @throws when it cannot be opened */
  async atHandle(): Promise<Sighting> {
    return (await this.opened()).sight(this.#path);
  }

  /** @throws when it cannot be opened */
  async opened(): Promise<OpenFile> {
    this.#open ??= await OpenFile.open(this.#path, this.file);
    if (this.#open) return this.#open;
    throw new Error(`${this.#path} was replaced while it was being opened`);
  }

  /** Goes on with the handle of another that stands for the same file. */
  takeOver(before: Whereabouts): void {
    this.#open = before.#open;
    before.#open = undefined;
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.close();
  }
}
