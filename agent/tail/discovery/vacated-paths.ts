import { dirname, join } from "node:path";
import type { FollowedFile } from "../files/followed-file.ts";
import type { FollowedFiles } from "../files/followed-files.ts";
import { originalNames } from "../disk/rotated-name.ts";
import { namesIn } from "./rotation-search.ts";

/**
 * Paths that a followed file was rotated away from and where none was found since, with a rotated name beside them that
 * no followed file has: another one may have come there and gone between two looks, and nothing says that a further one
 * will come.
 */
export async function vacatedPaths(files: FollowedFiles): Promise<Set<string>> {
  const locations = new Set<string>();
  const vacated = new Set<string>();
  for (const file of files.latest()) {
    locations.add(file.location);
    if (isAway(file) && files.latestAt(file.source.path) === file) vacated.add(file.source.path);
  }
  const found = new Set<string>();
  for (const directory of new Set(Array.from(vacated, (path) => dirname(path)))) {
    for (const name of await namesIn(directory)) {
      if (locations.has(join(directory, name))) continue;
      for (const original of originalNames(name)) {
        const path = join(directory, original);
        if (vacated.has(path)) found.add(path);
      }
    }
  }
  return found;
}

const isAway = ({ location, source, phase }: FollowedFile): boolean =>
  location !== source.path || phase === "rotated" || phase === "lost";
