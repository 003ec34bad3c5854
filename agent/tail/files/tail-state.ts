import type { Copy } from "./copies.ts";
import type { FileRecord } from "./file-record.ts";
import type { Resume } from "../../framing/line-framer.ts";

export interface FilePosition {
  readonly record: FileRecord;
  /** End of what is delivered. */
  readonly resume: Resume;
}

/** What a checkpoint knows: the position of each source, and the rules that were in use. */
export interface TailState {
  readonly rules: readonly string[];
  readonly files: readonly FilePosition[];
  readonly copies: readonly Copy[];
  /** When it was written, if it was read from a checkpoint. */
  readonly savedAtMs?: number | undefined;
}

export const NO_STATE: TailState = { rules: [], files: [], copies: [] };
