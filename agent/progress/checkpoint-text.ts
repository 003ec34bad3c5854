import { createHash } from "node:crypto";
import type { AgentState } from "./checkpoint-schema.ts";
import type { MachineState } from "../machine/machine-state.ts";

/** Size of a piece that is written at once: longer strings are garbage that the collector comes to late. */
const PIECE_BYTES = 64 * 2 ** 10;

const LINE_FEED = 10;

/**
 * checkpoint := head "\n" file ",\n" ... file "\n]}\n"
 * head := a JSON object up to the opening bracket of its last property, "files"
 *
 * The whole is JSON. It has a line for each file so that many thousands are written and read one at a time:
 * the text of all of them, and what it is parsed into, would take several times the memory they are followed in.
 */
export class CheckpointText {
  /** Without its first line's beginning, which has the time. */
  readonly pieces: readonly Buffer[];
  /** SHA-256 of all pieces, in base64. */
  readonly digest: string;
  readonly bytes: number;

  /** Takes the state as it is at this moment. */
  constructor({ files, rules, copies, spool }: AgentState, machine: MachineState) {
    const pieces: Buffer[] = [];
    const hash = createHash("sha256");
    let text = `${JSON.stringify({ machine, rules, copies, spool }).slice(1, -1)},"files":[\n`;
    const add = (): void => {
      const piece = Buffer.from(text);
      hash.update(piece);
      pieces.push(piece);
      text = "";
    };
    for (const [i, file] of files.entries()) {
      text += `${JSON.stringify(file)}${i + 1 < files.length ? "," : ""}\n`;
      if (text.length >= PIECE_BYTES) add();
    }
    text += "]}\n";
    add();
    this.pieces = pieces;
    this.digest = hash.digest("base64");
    this.bytes = pieces.reduce((sum, { length }) => sum + length, 0);
  }
}

/**
 * What stands in a checkpoint, each file as soon as it is read.
 *
 * @param text as it is written here, or in one line, as any other JSON
 * @param takeFile called with what is to be a file
 * @returns the rest, without its files
 * @throws SyntaxError
 */
export function readCheckpointText(text: Buffer, takeFile: (file: unknown) => void): unknown {
  const end = text.indexOf(LINE_FEED);
  if (end === -1 || end === text.length - 1) {
    const { files, ...rest } = JSON.parse(text.toString()) as { files: unknown };
    if (!Array.isArray(files)) throw new SyntaxError("files is no array");
    for (const file of files) takeFile(file);
    return rest;
  }
  const rest = JSON.parse(`${text.toString("utf8", 0, end)}]}`) as { files: unknown };
  for (let at = end + 1; ;) {
    const lineEnd = text.indexOf(LINE_FEED, at);
    if (lineEnd === -1) throw new SyntaxError("its end is missing");
    const line = text.toString("utf8", at, lineEnd);
    if (line === "]}") break;
    takeFile(JSON.parse(line.endsWith(",") ? line.slice(0, -1) : line));
    at = lineEnd + 1;
  }
  const { files: _, ...head } = rest;
  return head;
}
