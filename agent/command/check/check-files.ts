import { identityKey } from "../../tail/disk/file-identity.ts";
import { statFile, type FileStat } from "../../tail/disk/file-stat.ts";
import type { FilesConfig } from "../../config/config.ts";
import { lastingDetail } from "../../tail/disk/file-access.ts";
import { FileRule } from "../../tail/files/file-rule.ts";
import { closedDirectories, type ListDirectories } from "./closed-directories.ts";
import { fine, type Finding, problem } from "./finding.ts";

/** Of the files that an entry matches, this many are named. */
const FILES_NAMED = 3;

/** What each entry matches at this moment, and whether it can be read. */
export async function checkFiles(
  entries: readonly FilesConfig[],
  list?: ListDirectories,
): Promise<Finding[]> {
  const found = await Promise.all(
    entries.map(async (entry) => [
      ...(await checkEntry(new FileRule(entry))),
      ...(await checkDirectories(entry, list)),
    ]),
  );
  return found.flat();
}

async function checkDirectories({ tag, path }: FilesConfig, list?: ListDirectories): Promise<Finding[]> {
  const closed = (await Promise.all(path.map((one) => closedDirectories(one, list)))).flat();
  return closed.map((directory) =>
    problem(
      `files "${tag}": ${directory} may not be read, and nothing in it matches: setfacl -m u:USER:rx ${directory}, ` +
        "with the agent's user",
    ),
  );
}

/** Files that entries match, each once. */
export async function countFiles(entries: readonly FilesConfig[]): Promise<number> {
  const keys = new Set<string>();
  for (const entry of entries) {
    for await (const path of new FileRule(entry).matches()) {
      const found = await statFile(path);
      if (found) keys.add(identityKey(found.file));
    }
  }
  return keys.size;
}

async function checkEntry(rule: FileRule): Promise<Finding[]> {
  const { fatal, unreadable } = await rule.problems();
  if (fatal.length > 0) return fatal.map(problem);
  const stats = await Promise.all((await rule.paths()).map(statFile));
  const files = stats.filter((fileStat) => fileStat !== undefined);
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const names = files.slice(0, FILES_NAMED).map(({ path }) => path);
  const rest = files.length > FILES_NAMED ? `, and ${files.length - FILES_NAMED} more` : "";
  const what =
    files.length === 0
      ? "no file yet"
      : `${files.length} files of ${bytes} bytes: ${names.join(", ")}${rest}`;
  const left = await leftProblems(rule, files);
  return [fine(`files "${rule.tag}": matches ${what}`), ...unreadable.map(problem), ...left];
}

/** Files that match and are not read, for a link or their owner. */
async function leftProblems(rule: FileRule, files: readonly FileStat[]): Promise<Finding[]> {
  const check = await rule.access.look();
  const paths = files.map(({ path }) => path);
  const details: string[] = [];
  for (const file of files) {
    const detail = lastingDetail(await check.refusalOf(file, () => paths));
    if (detail !== undefined) details.push(`files "${rule.tag}": ${detail}`);
  }
  const rest = details.length - FILES_NAMED;
  const others = rest > 0 ? [`files "${rule.tag}": ${rest} more are left like these`] : [];
  return [...details.slice(0, FILES_NAMED), ...others].map(problem);
}
