import { Copies } from "./copies.ts";
import { identityKey, lastingKey } from "../disk/file-identity.ts";
import { type FileRecord, newRecord, whereIs } from "./file-record.ts";
import { type FileRule, ruleOf } from "./file-rule.ts";
import { FollowedFile } from "./followed-file.ts";
import { FORGET_AFTER_MS, type FollowedFiles } from "./followed-files.ts";
import type { Resume } from "../../framing/line-framer.ts";
import type { Reading } from "./reading.ts";
import type { FileStat } from "../disk/file-stat.ts";
import type { FilePosition, TailState } from "./tail-state.ts";

/** Files that are not followed are looked at this often, to forget those that are gone. */
const PARKED_EVERY_MS = 3_600_000;

/** Entries that were taken away may come back; hosts that get others every week never have so many. */
const REMEMBERED_RULES = 1_000;

export interface MemoryOptions {
  readonly host: string;
  readonly rules: readonly FileRule[];
  readonly now: () => number;
  /** Of the ids of new files: see `sourceId`. */
  readonly salt?: string | undefined;
}

/** What one agent knows that the next one is to know: sources and their positions, rules, copies. */
export class TailMemory {
  readonly copies: Copies;
  /** Something was found or learned that must be written down before it is acted upon. */
  hasNews = false;
  readonly #options: MemoryOptions;
  readonly #files: FollowedFiles;
  /** Positions of files whose tag is not configured at present. */
  readonly #parked = new Map<string, FilePosition>();
  #nextParkedMs = 0;
  readonly #knownRules: Set<string>;
  /**
   * Found by a search that is not over. A state that knows of them and not of what else was rotated
   * meanwhile would have the next agent look no further.
   */
  readonly #unsettled = new Set<FollowedFile>();

  constructor(options: MemoryOptions, files: FollowedFiles, state: TailState) {
    this.#options = options;
    this.#files = files;
    this.#knownRules = new Set(state.rules);
    this.copies = new Copies(state.copies);
  }

  get state(): TailState {
    const settled = Array.from(this.#files.all()).filter((file) => !this.#unsettled.has(file));
    const files = settled.map(({ record, position }) => ({ record, resume: position.resume }));
    const rules = [...this.#knownRules];
    return { rules, files: [...files, ...this.#parked.values()], copies: this.copies.all };
  }

  /** Takes up the files of a state. @returns generations that were cut off and may not be delivered */
  restore(positions: readonly FilePosition[]): FollowedFile[] {
    return positions.map((position) => this.#restore(position)).filter((file) => file !== undefined);
  }

  #restore(position: FilePosition): FollowedFile | undefined {
    const { record, resume } = position;
    const reading = this.#readingOf(record);
    if (reading === undefined) {
      this.#parked.set(lastingKey(record.file), position);
      return undefined;
    }
    const file = new FollowedFile(record, resume, reading, this.#options.now());
    const other = this.#files.find(identityKey(record.file));
    const isLatest = other === undefined || other.generation <= file.generation;
    const earlier = isLatest ? other : file;
    if (isLatest) this.#files.add(file);
    if (earlier) this.#files.cutOff(earlier, this.#options.now());
    return earlier;
  }

  #readingOf({ source, tag }: FileRecord): Reading | undefined {
    return ruleOf(this.#options.rules, source.path, tag)?.readingOf(source.path);
  }

  /** Takes a file that was found, where it was left if its tag was configured before. */
  follow(fileStat: FileStat, path: string, reading: Reading, start: Resume): FollowedFile {
    const { host, now, salt } = this.#options;
    const parked = this.#parked.get(lastingKey(fileStat.file));
    this.#parked.delete(lastingKey(fileStat.file));
    const fresh = { record: newRecord(fileStat, path, host, reading.tag, 0, now(), salt), resume: start };
    const { record, resume } = parked ?? fresh;
    const own = { ...record, file: fileStat.file, tag: reading.tag };
    const file = new FollowedFile(own, resume, reading, now());
    file.seen(fileStat, now());
    this.#files.add(file);
    this.#unsettled.add(file);
    this.#unpark(path, reading);
    this.hasNews = true;
    return file;
  }

  /** What was rotated away from a path has its tag, too. */
  #unpark(path: string, reading: Reading): void {
    for (const [key, { record, resume }] of this.#parked) {
      if (record.source.path !== path) continue;
      this.#parked.delete(key);
      this.#files.add(
        new FollowedFile({ ...record, tag: reading.tag }, resume, reading, this.#options.now()),
      );
    }
  }

  /** Call now and then: those that are gone are forgotten like any other. */
  async lookAtParked(): Promise<void> {
    const nowMs = this.#options.now();
    if (nowMs < this.#nextParkedMs) return;
    this.#nextParkedMs = nowMs + PARKED_EVERY_MS;
    for (const [key, { record, resume }] of this.#parked) {
      const goneAtMs = (await whereIs(record)) ? undefined : Math.min(nowMs, record.goneAtMs ?? nowMs);
      if (goneAtMs !== undefined && nowMs - goneAtMs >= FORGET_AFTER_MS) this.#parked.delete(key);
      else this.#parked.set(key, { record: { ...record, goneAtMs }, resume });
    }
  }

  knowsRule({ key }: FileRule): boolean {
    return this.#knownRules.has(key);
  }

  /** Call when all that a search of the rules has found is followed. */
  learnRules(): void {
    for (const { key } of this.#options.rules) {
      this.#knownRules.delete(key);
      this.#knownRules.add(key);
    }
    const tooMany = this.#knownRules.size - Math.max(REMEMBERED_RULES, this.#options.rules.length);
    for (const key of [...this.#knownRules].slice(0, Math.max(0, tooMany))) this.#knownRules.delete(key);
  }

  /** Call when what else was rotated is followed, too. */
  settle(): void {
    this.#unsettled.clear();
  }

  /** True when there was something since it was last asked. */
  takeNews(): boolean {
    const { hasNews } = this;
    this.hasNews = false;
    return hasNews;
  }
}
