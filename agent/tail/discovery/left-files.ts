import type { FileCheck, Refusal } from "../disk/file-access.ts";
import { identityKey, sameFile } from "../disk/file-identity.ts";
import type { FileRule } from "../files/file-rule.ts";
import { statRotated } from "../disk/rotated-files.ts";
import type { FileStat } from "../disk/file-stat.ts";

/** Decides by which entry a file is read, and keeps those that match and are left. */
export class LeftFiles {
  readonly #rules: readonly FileRule[];
  #checks: ReadonlyMap<FileRule, FileCheck> = new Map<FileRule, FileCheck>();
  /** Entries by which files of the last search are read, by identity: any path of a file gives the same. */
  #allowed: ReadonlyMap<string, FileRule> = new Map<string, FileRule>();
  #left: ReadonlyMap<string, LeftFile> = new Map<string, LeftFile>();
  /** The search found a file that was replaced in that moment, and should look again. */
  hasChanged = false;
  #allowedNow = new Map<string, FileRule>();
  #leftNow = new Map<string, LeftFile>();

  constructor(rules: readonly FileRule[]) {
    this.#rules = rules;
  }

  /** Call before a search. */
  async begin(): Promise<void> {
    const checks = await Promise.all(
      this.#rules.map(async (rule) => [rule, await rule.access.look()] as const),
    );
    this.#checks = new Map(checks);
    this.#allowedNow = new Map();
    this.#leftNow = new Map();
    this.hasChanged = false;
  }

  /** Call after it. */
  end(): void {
    this.#allowed = this.#allowedNow;
    this.#left = this.#leftNow;
  }

  /** Whether the search before left it. @param key of its identity */
  has(key: string): boolean {
    return this.#left.has(key);
  }

  /** Why files that match are not read, by path. */
  get refusals(): ReadonlyMap<string, Refusal> {
    return new Map(Array.from(this.#left.values(), ({ path, refusal }) => [path, refusal]));
  }

  /**
   * @param stats of one file, by all names that the search has found
   * @returns the first entry by which it may be read; undefined where it is left
   */
  async ruleFor(stats: readonly [FileStat, ...FileStat[]]): Promise<FileRule | undefined> {
    const key = identityKey(stats[0].file);
    const known = this.#allowedNow.get(key) ?? this.#allowed.get(key);
    if (known) {
      this.#allowedNow.set(key, known);
      return known;
    }
    let left: LeftFile | undefined;
    for (const fileStat of stats) {
      for (const rule of this.#rules) {
        if (!rule.takes(fileStat.path)) continue;
        const refusal = await this.#refusalOf(fileStat, rule, stats);
        if (refusal === undefined) {
          this.#allowedNow.set(key, rule);
          this.#leftNow.delete(key);
          return rule;
        }
        left ??= { path: fileStat.path, refusal };
      }
    }
    if (left?.refusal.reason === "changed") this.hasChanged = true;
    else if (left) this.#leftNow.set(key, left);
    return undefined;
  }

  /** Whether one may be read that rotation made of a file of this entry. */
  async mayRead(fileStat: FileStat, rule: FileRule): Promise<boolean> {
    return (
      this.#allowed.has(identityKey(fileStat.file)) ||
      (await this.#refusalOf(fileStat, rule, [fileStat])) === undefined
    );
  }

  /** A file may be rotated in the moment in which it is asked about, and is asked about where it went then. */
  async #refusalOf(
    fileStat: FileStat,
    rule: FileRule,
    names: readonly FileStat[],
  ): Promise<Refusal | undefined> {
    const check = this.#checks.get(rule) ?? (await rule.access.look());
    const paths = (): string[] => names.map(({ path }) => path);
    const refusal = await check.refusalOf(fileStat, paths);
    if (refusal?.reason !== "changed") return refusal;
    const rotated = (await statRotated([fileStat.path])).get(fileStat.path) ?? [];
    const moved = rotated.find(({ file }) => sameFile(file, fileStat.file));
    return moved ? check.refusalOf(moved, () => [...paths(), moved.path]) : refusal;
  }
}

interface LeftFile {
  readonly path: string;
  readonly refusal: Refusal;
}
