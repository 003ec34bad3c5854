import { isAbsolute } from "node:path";
import type { ForeignPosition, ForeignPositions } from "./foreign-position.ts";

/** source: POSITION_FILE_ENTRY_REGEX of lib/fluent/plugin/in_tail/position_file.rb, Fluentd 1.19, read 2026-11 */
const ENTRY = /^([^\t]+)\t([0-9a-fA-F]{1,16})\t([0-9a-fA-F]{1,16})$/;

const UNWATCHED = 0xffff_ffff_ffff_ffffn;

/**
 * Fluentd's pos_file, a line for each file: path, offset, and inode, tabs between them, both numbers in 16
 * hexadecimal digits. An offset of all ones: the file is not followed any more.
 *
 * @returns undefined where it is something else
 */
export function readFluentdPositions(text: string, knownAtMs: number): ForeignPositions | undefined {
  const positions: ForeignPosition[] = [];
  const notes: string[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line === "") continue;
    const [, path = "", offset = "", ino = ""] = ENTRY.exec(line) ?? [];
    const at = BigInt(`0x${offset || "0"}`);
    const isUnwatched = at === UNWATCHED;
    if (path === "") notes.push(`line ${i + 1}: left out, it is no position: ${line.slice(0, 200)}`);
    else if (!isAbsolute(path)) notes.push(`line ${i + 1}: left out, its path is relative: ${path}`);
    else if (!isUnwatched && at > Number.MAX_SAFE_INTEGER) {
      notes.push(`line ${i + 1}: left out, no file is as long: ${line.slice(0, 200)}`);
    } else {
      positions.push({
        path,
        ino: `${BigInt(`0x${ino}`)}`,
        offset: isUnwatched ? 0 : Number(at),
        isUnwatched,
        isInOrder: false,
        knownAtMs,
      });
    }
  }
  if (positions.length === 0 && notes.length > 0) return undefined;
  return { kind: "Fluentd's pos_file", positions, notes };
}
