import { createReadStream } from "node:fs";
import type { Commit } from "../../wire/commit.ts";
import { RangeSet } from "../../wire/ranges.ts";
import { nameOf, type SourceOfFile } from "./coverage.ts";
import { rangeText } from "./figures.ts";
import { IdentitySet } from "./identity-set.ts";
import type { Lake } from "./lake.ts";

/** Identities of all rows of a type, and of its rejected lines if asked for. */
export async function readIdentities(
  type: string,
  commits: readonly Commit[],
  lake: Lake,
  kinds: readonly ("data" | "rejected")[],
): Promise<IdentitySet> {
  const found = new IdentitySet();
  for (const object of commits.flatMap((commit) => commit.objects)) {
    if (object.type !== type || !kinds.some((kind) => kind === object.kind)) continue;
    for await (const identity of lake.identities(object.key)) found.add(identity);
  }
  return found;
}

/**
 * Reads the files line by line for the first line that is neither row nor rejected nor left out on
 * purpose. Only done once counts are known to be wrong: it turns a figure into a place.
 */
export async function firstMissingLine(
  type: string,
  pairs: readonly SourceOfFile[],
  commits: readonly Commit[],
  lake: Lake,
): Promise<string | undefined> {
  const known = await readIdentities(type, commits, lake, ["data", "rejected"]);
  for (const { file, source } of pairs) {
    const gaps = RangeSet.of(
      commits
        .flatMap(({ sources }) => sources.filter(({ id }) => id === source.id).flatMap((said) => said.gaps))
        .map(({ from, to }) => [from, to] as const),
    );
    for await (const [from, to] of lineRanges(file.path)) {
      if (known.has({ src: source.id, off: from }) || gaps.overlaps(from, to)) continue;
      return `${nameOf(source)} ${rangeText(from, to)}`;
    }
  }
  return undefined;
}

/** [from, to) of each line, its line feed included; nothing of a file that is gone. */
async function* lineRanges(path: string): AsyncGenerator<readonly [number, number]> {
  let from = 0;
  let read = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) {
        yield [from, read + at + 1];
        from = read + at + 1;
      }
      read += chunk.length;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  if (read > from) yield [from, read];
}
