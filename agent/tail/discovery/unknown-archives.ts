import { basename, dirname, join } from "node:path";
import { CompressedFile } from "../files/compressed-file.ts";
import { identityKey, isBornBefore } from "../disk/file-identity.ts";
import { compare } from "../fingerprint/fingerprint.ts";
import type { FollowedFile } from "../files/followed-file.ts";
import type { FollowedFiles } from "../files/followed-files.ts";
import { readHead } from "../fingerprint/head-fingerprint.ts";
import { originalNames } from "../disk/rotated-name.ts";
import { directoriesIn, namesIn } from "./rotation-search.ts";
import { type FileStat, statFile } from "../disk/file-stat.ts";
import { formatOf } from "../disk/unpack.ts";

/**
 * Compressed files that rotation made of followed paths since a moment, and that hold nothing of what is known:
 * generations that came and went while no agent ran.
 */
export async function findUnknownArchives(files: FollowedFiles, sinceMs: number): Promise<FileStat[]> {
  const known = Map.groupBy(files.all(), ({ source }) => source.path);
  const byDirectory = Map.groupBy(known.keys(), dirname);
  const unknown: FileStat[] = [];
  for (const [own, paths] of byDirectory) {
    const byName = new Map(paths.map((path) => [basename(path), known.get(path)!]));
    for (const directory of [own, ...(await directoriesIn(own))]) {
      for (const name of await namesIn(directory)) {
        const sources = sourcesOf(name, byName);
        const found = sources.length > 0 ? await statFile(join(directory, name)) : undefined;
        if (found === undefined || files.find(identityKey(found.file))) continue;
        if (isBornBefore(found.file, sinceMs)) continue;
        if (!(await holdsOneOf(found, sources))) unknown.push(found);
      }
    }
  }
  return unknown;
}

/** Those that a compressed file may hold, by its name. */
function sourcesOf(name: string, byName: ReadonlyMap<string, FollowedFile[]>): FollowedFile[] {
  const format = formatOf(name);
  if (format === undefined) return [];
  const unpacked = name.slice(0, -format.length);
  return [unpacked, ...originalNames(unpacked)].flatMap((original) => byName.get(original) ?? []);
}

async function holdsOneOf({ path, file }: FileStat, sources: readonly FollowedFile[]): Promise<boolean> {
  try {
    const open = await CompressedFile.open(path, file);
    if (open === undefined) return true;
    try {
      const head = await readHead(open);
      for (const { known } of sources) {
        const { fingerprint } = known;
        if (fingerprint.header.bytes > 0 && (await compare(fingerprint, head, open)) === "same") return true;
      }
      return false;
    } finally {
      await open.close();
    }
  } catch {
    return false;
  }
}
