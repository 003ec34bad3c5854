import { basename } from "node:path";
import type { Commit } from "../../wire/commit.ts";
import { HEARTBEAT_PATH } from "../../wire/heartbeat.ts";
import { RangeSet } from "../../wire/ranges.ts";
import { counted, grouped, rangeText } from "./figures.ts";
import { extents } from "./overlap.ts";
import type { FileTruth } from "./truth.ts";

/** The bytes of one source that the lake accounts for: events, and gaps with a reason. */
export interface SourceCoverage {
  readonly id: string;
  readonly host: string;
  /** As the agent last knew it; a rotation may have renamed the file since. */
  readonly path: string;
  readonly types: Set<string>;
  readonly accounted: RangeSet;
}

/** A file and the source that stands for it. */
export interface SourceOfFile {
  readonly file: FileTruth;
  readonly source: SourceCoverage;
}

/** The sources that lines of a type came from, the agents' own heartbeats aside. */
export function coverSources(commits: readonly Commit[], type: string): SourceCoverage[] {
  return coverAllSources(commits).filter(({ types }) => types.has(type));
}

/** Every source, the agents' own heartbeats aside. */
export function coverAllSources(commits: readonly Commit[]): SourceCoverage[] {
  const sources = new Map<string, SourceCoverage>();
  for (const said of commits.filter(bringsBytes).flatMap((commit) => commit.sources)) {
    if (said.path === HEARTBEAT_PATH) continue;
    const { id, host, path } = said;
    const { types, accounted } = sources.get(id) ?? { types: new Set(), accounted: new RangeSet() };
    const source: SourceCoverage = { id, host, path, types, accounted };
    for (const type of said.types) source.types.add(type);
    for (const [from, to] of extents(said)) source.accounted.add(from, to);
    sources.set(id, source);
  }
  for (const { id, types } of commits
    .filter((commit) => !bringsBytes(commit))
    .flatMap(({ sources }) => sources))
    for (const type of types) sources.get(id)?.types.add(type);
  return joinEarlier(sources, commits);
}

/** Lines that were rejected, and are filed anew, came with an earlier commit. */
export const bringsBytes = ({ consumed = [] }: Commit): boolean =>
  consumed.every(({ kind }) => kind !== "rejected");

/** A source that goes on under another id, since its agent came to another machine, still stands for one file. */
function joinEarlier(sources: Map<string, SourceCoverage>, commits: readonly Commit[]): SourceCoverage[] {
  const earlier = new Map<SourceCoverage, { readonly source: SourceCoverage; readonly to: number }>();
  for (const { id, gaps } of commits.flatMap((commit) => commit.sources)) {
    for (const { source, to } of gaps) {
      const [later, before] = [sources.get(id), sources.get(source ?? "")];
      if (later && before) earlier.set(later, { source: before, to });
    }
  }
  for (const [later, first] of earlier) {
    const joined = new Set([later]);
    for (let step = first; step && !joined.has(step.source); step = earlier.get(step.source)!) {
      joined.add(step.source);
      for (const type of step.source.types) later.types.add(type);
      for (const [from, to] of step.source.accounted.within(0, step.to)) later.accounted.add(from, to);
    }
  }
  const before = new Set(Array.from(earlier.values(), ({ source }) => source));
  return [...sources.values()].filter((source) => !before.has(source));
}

/**
 * Finds the source of each file. A rotated file has another name than its source, so after the ids
 * that are known the sizes decide: a source that is whole has exactly its file's bytes. What is
 * left is paired by its old name, then each source with the smallest file it fits into.
 */
export function matchSources(
  files: readonly FileTruth[],
  sources: readonly SourceCoverage[],
): { pairs: SourceOfFile[]; files: FileTruth[]; sources: SourceCoverage[] } {
  const pairs: SourceOfFile[] = [];
  const open = { files: files.filter(({ bytes }) => bytes > 0), sources: [...sources] };
  const pair = (fits: (file: FileTruth, source: SourceCoverage) => boolean): void => {
    open.files = open.files.filter((file) => {
      const at = open.sources.findIndex((source) => fits(file, source));
      if (at === -1) return true;
      pairs.push({ file, source: open.sources.splice(at, 1)[0]! });
      return false;
    });
  };
  const sameName = (file: FileTruth, source: SourceCoverage) => basename(file.path) === basename(source.path);
  const isWhole = (file: FileTruth, source: SourceCoverage) =>
    source.accounted.end === file.bytes && source.accounted.covers(0, file.bytes);
  pair((file, source) => file.sourceId === source.id);
  pair((file, source) => isWhole(file, source) && sameName(file, source));
  pair(isWhole);
  open.files.sort((a, b) => a.bytes - b.bytes);
  open.sources.sort((a, b) => b.accounted.end - a.accounted.end);
  pair((file, source) => source.accounted.end === file.bytes);
  pair((file, source) => source.accounted.end <= file.bytes && sameName(file, source));
  pair((file, source) => source.accounted.end <= file.bytes);
  return { pairs, ...open };
}

/** Every byte of every file is accounted for, and no other. */
export function coverageProblems(
  type: string,
  { pairs, files, sources }: ReturnType<typeof matchSources>,
): string[] {
  return [
    ...pairs.flatMap(({ file, source }) => {
      const problem = pairProblem(source, file);
      return problem === undefined ? [] : `${type}: ${problem}`;
    }),
    ...files.map((file) => `${type}: nothing of ${file.path} (${grouped(file.bytes)} bytes) was delivered`),
    ...sources.map(
      (source) =>
        `${type}: ${nameOf(source)} brought ${counted(source.accounted.bytes, "byte")} that are in none of the files`,
    ),
  ];
}

/** What is missing of a file, or more than it holds. */
export function pairProblem(
  source: SourceCoverage,
  file: Pick<FileTruth, "path" | "bytes">,
): string | undefined {
  const holes = source.accounted.missing(file.bytes);
  const [hole] = holes;
  if (hole) {
    const missing = holes.reduce((sum, [from, to]) => sum + to - from, 0);
    const more = holes.length > 1 ? `, the first of ${grouped(holes.length)} holes` : "";
    return (
      `${counted(missing, "byte")} of ${file.path} missing: ${nameOf(source)} has no ` +
      `${rangeText(...hole)} of ${rangeText(0, file.bytes)}${more}`
    );
  }
  if (source.accounted.end <= file.bytes) return undefined;
  return `${nameOf(source)} reaches to byte ${grouped(source.accounted.end)}, but ${file.path} ends at ${grouped(file.bytes)}`;
}

export function nameOf({ id, host, path }: SourceCoverage): string {
  return `source ${id} (${host}:${path})`;
}
