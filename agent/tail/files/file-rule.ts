import { closeSync, constants, type Dirent, existsSync, openSync, readdir, statSync } from "node:fs";
import { access, open, opendir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import picomatch from "picomatch";
import { type FileSystemAdapter, glob } from "tinyglobby";
import { systemCode, systemReason } from "../../agent-error.ts";
import type { FilesConfig } from "../../config/config.ts";
import { type FilterCounts, LineFilter } from "../../framing/line-filter.ts";
import { PathTag } from "./path-tag.ts";
import { FileAccess, lastingDetail } from "../disk/file-access.ts";
import { isLocal } from "../disk/file-system.ts";
import type { LineFeed } from "../../framing/line-feed.ts";
import type { Reading } from "./reading.ts";
import { type FileStat, statFile } from "../disk/file-stat.ts";

/** Clocks of file systems tick this often at the least. */
const SETTLED_AFTER_MS = 2_000;

const BIGINT = { bigint: true } as const;

/** Enough to see what is wrong. */
const MISNAMED_MAX = 100;

type ReadDirectory = (
  path: string,
  options: { withFileTypes: true },
  done: (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void,
) => void;

/** Names that are read at once from a directory that is listed. */
const NAMES_AT_ONCE = 256;

interface Pattern {
  readonly path: string;
  /** The deepest directory that is named without a wildcard. */
  readonly base: string;
  /** The rest of the path, undefined where there is no wildcard at all. */
  readonly wildcard: string | undefined;
  /** Whether a name in `base` is one of its own. */
  readonly isMatch: (name: string) => boolean;
}

/** One `[[files]]` entry: which files it takes, and how they are read. */
export class FileRule {
  readonly tag: string;
  readonly startAt: "head" | "end";
  /** A file that was not changed for this long when it is found is left alone; 0 leaves none. */
  readonly #ignoreOlderMs: number;
  /** Stays the same while tag and paths do. */
  readonly key: string;
  /** Decides which of the files that match are read. */
  readonly access: FileAccess;
  readonly #patterns: readonly Pattern[];
  readonly #pathTag: PathTag;
  readonly #filter: LineFilter;
  readonly #multiLineIdleMs: number | undefined;
  readonly #bytesPerSecond: number | undefined;
  /** What the last search found under names that are not UTF-8, and so cannot be read by them. */
  readonly misnamed = new Set<string>();
  readonly #isMatch: (path: string) => boolean;
  readonly #isExcluded: (path: string) => boolean;

  constructor(config: FilesConfig) {
    this.tag = config.tag;
    this.startAt = config.start_at;
    this.#ignoreOlderMs = config.ignore_older_ms;
    this.key = [config.tag, ...config.path].join(" ");
    this.#patterns = config.path.map(readPattern);
    const { follow_links: followLinks, owners } = config;
    this.access = new FileAccess({ directories: this.directories, followLinks, owners });
    this.#isMatch = picomatch(config.path, { dot: true });
    this.#isExcluded = picomatch(config.exclude, { dot: true });
    this.#pathTag = new PathTag(config.tag, config.path);
    this.#filter = new LineFilter(config, config.max_line_bytes);
    this.#multiLineIdleMs = config.multi_line?.idle_ms;
    this.#bytesPerSecond = config.bytes_per_second;
  }

  /** What became of its lines. */
  get counts(): FilterCounts {
    return this.#filter.counts;
  }

  /** With which its lines end. */
  get lineFeed(): LineFeed {
    return this.#filter.lineFeed;
  }

  /** How a file is read that was first seen at a path. */
  readingOf(path: string): Reading {
    return {
      tag: this.#pathTag.of(path),
      filter: this.#filter,
      multiLineIdleMs: this.#multiLineIdleMs,
      bytesPerSecond: this.#bytesPerSecond,
    };
  }

  /** By the clock that files are stamped with, which may have been set since the process began. */
  isTooOld({ mtimeNs }: FileStat): boolean {
    return this.#ignoreOlderMs > 0 && Date.now() - Number(BigInt(mtimeNs) / 1_000_000n) > this.#ignoreOlderMs;
  }

  /** Files that are named without a wildcard: they are missed when they are not there. */
  get named(): string[] {
    return this.#patterns.filter(({ wildcard }) => wildcard === undefined).map(({ path }) => path);
  }

  /** In which its files appear, as far as that is known without a search. */
  get directories(): string[] {
    return this.#patterns.map(({ base }) => base);
  }

  /**
   * Stays the same while no name has come or gone where its files are.
   *
   * @returns undefined when that cannot be told
   */
  async stamp(): Promise<string | undefined> {
    if (this.#ignoreOlderMs > 0 || this.#patterns.some(({ wildcard }) => isDeep(wildcard))) {
      return undefined;
    }
    const stamps = await Promise.all(this.directories.map(directoryStamp));
    return stamps.includes(undefined) ? undefined : stamps.join(" ");
  }

  /** Whether a file at a path would be one of its own. */
  takes(path: string): boolean {
    return this.named.includes(path) || (this.#isMatch(path) && !this.#isExcluded(path));
  }

  /**
   * Paths that match at this moment, some of them perhaps more than once. Directories that cannot be read match
   * nothing.
   */
  async *matches(): AsyncGenerator<string> {
    this.misnamed.clear();
    for (const { path, base, wildcard, isMatch } of this.#patterns) {
      if (wildcard === undefined) yield path;
      else {
        // One directory may have names without number: they are not all held at once.
        const matches = isDeep(wildcard) ? await this.#glob(wildcard, base) : namesIn(base, isMatch);
        for await (const match of matches) {
          if (this.#isExcluded(match)) continue;
          if (isMisnamed(match)) this.#addMisnamed(match);
          else yield match;
        }
      }
    }
  }

  #glob(wildcard: string, cwd: string): Promise<string[]> {
    const fs = {
      readdir: (...[path, options, done]: Parameters<ReadDirectory>) => {
        readdir(path, options, (error, entries) => {
          for (const entry of error ? [] : entries) {
            const found = join(path, entry.name);
            if (entry.isDirectory() && isMisnamed(found)) this.#addMisnamed(found);
          }
          done(error, entries);
        });
      },
    };
    // Its type knows all forms of readdir, of which it calls this one.
    return glob(wildcard, {
      cwd,
      absolute: true,
      dot: true,
      expandDirectories: false,
      fs: fs as FileSystemAdapter,
    });
  }

  #addMisnamed(path: string): void {
    if (this.misnamed.size < MISNAMED_MAX) this.misnamed.add(path);
  }

  /** Paths that match at this moment, sorted. */
  async paths(): Promise<string[]> {
    const paths = new Set<string>();
    for await (const path of this.matches()) paths.add(path);
    return [...paths].sort();
  }

  /**
   * What would keep this entry from being read. A pattern that matches no file yet is no problem, a
   * directory that is not there is.
   *
   * @returns `fatal`: named in the configuration and wrong; `unreadable`: files that a glob found
   */
  async problems(): Promise<{ readonly fatal: string[]; readonly unreadable: string[] }> {
    const fatal: string[] = [];
    for (const { path, base, wildcard } of this.#patterns) {
      const problem =
        (await directoryProblem(base)) ??
        (wildcard === undefined ? await this.#namedProblem(path) : undefined);
      if (problem !== undefined) fatal.push(`files "${this.tag}": ${problem}`);
    }
    if (fatal.length > 0) return { fatal, unreadable: [] };
    const unreadable = new Set<string>();
    for await (const path of this.matches()) {
      const problem = await fileProblem(path);
      if (problem !== undefined) unreadable.add(`files "${this.tag}": ${problem}`);
    }
    for (const path of this.misnamed) unreadable.add(`files "${this.tag}": ${misnamedText(path)}`);
    return { fatal, unreadable: [...unreadable].sort() };
  }

  async #namedProblem(path: string): Promise<string | undefined> {
    const found = await statFile(path);
    const refusal = found && (await (await this.access.look()).refusalOf(found, () => this.named));
    return lastingDetail(refusal) ?? fileProblem(path);
  }
}

/** The entry that a file belongs to which was first seen at a path: of several with its tag, the one that takes the path. */
export function ruleOf(rules: readonly FileRule[], path: string, tag: string): FileRule | undefined {
  const tagged = rules.filter((rule) => rule.readingOf(path).tag === tag);
  return tagged.find((rule) => rule.takes(path)) ?? tagged[0];
}

function readPattern(path: string): Pattern {
  const { base, glob: wildcard, isGlob } = picomatch.scan(path);
  return isGlob
    ? { path, base: base === "" ? "/" : base, wildcard, isMatch: picomatch(wildcard, { dot: true }) }
    : { path, base: dirname(path), wildcard: undefined, isMatch: () => false };
}

/** Whether files may be in directories below the base. */
function isDeep(wildcard: string | undefined): boolean {
  return wildcard !== undefined && (wildcard.includes("/") || wildcard.includes("**"));
}

/** Node puts U+FFFD in the place of bytes that are not UTF-8: nothing is to be found under such a name. */
function isMisnamed(path: string): boolean {
  return path.includes("\ufffd") && !existsSync(path);
}

export function misnamedText(path: string): string {
  return `cannot read ${path}: its name is not UTF-8. Rename it`;
}

async function* namesIn(directory: string, isMatch: (name: string) => boolean): AsyncGenerator<string> {
  try {
    for await (const entry of await opendir(directory, { bufferSize: NAMES_AT_ONCE })) {
      if (!entry.isDirectory() && isMatch(entry.name)) yield join(directory, entry.name);
    }
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

/** @returns undefined while its time may be that of a later change as well */
async function directoryStamp(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino, mtimeNs } = isLocal(directory)
      ? statSync(directory, BIGINT)
      : await stat(directory, BIGINT);
    const isSettled = Math.abs(Date.now() - Number(mtimeNs / 1_000_000n)) > SETTLED_AFTER_MS;
    return isSettled ? `${dev}:${ino}:${mtimeNs}` : undefined;
  } catch (error) {
    return systemCode(error);
  }
}

async function directoryProblem(directory: string): Promise<string | undefined> {
  try {
    if (!(await stat(directory)).isDirectory()) return `${directory} is not a directory`;
    await access(directory, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return systemCode(error) === "ENOENT"
      ? `there is no directory ${directory}`
      : `cannot read directory ${directory}: ${systemReason(error)}`;
  }
}

async function fileProblem(path: string): Promise<string | undefined> {
  try {
    const isAtOnce = isLocal(dirname(path));
    const found = isAtOnce ? statSync(path) : await stat(path);
    if (!found.isFile())
      return `${path} is not a file; to follow those in it, write path = "${join(path, "*.log")}"`;
    // Asking access(2) would tell of the real user, not of the effective one.
    if (isAtOnce) closeSync(openSync(path, "r"));
    else await (await open(path)).close();
    return undefined;
  } catch (error) {
    return systemCode(error) === "ENOENT" ? undefined : `cannot read ${path}: ${systemReason(error)}`;
  }
}
