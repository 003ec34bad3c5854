import { PREFIX } from "../../wire/keys.ts";
import type { LakeLines } from "./lake-lines.ts";
import { RouteRefusal } from "./route.ts";

const SHOWN = { lines: 20, bytes: 256 * 2 ** 10 };
const SHOWN_BYTES = 512;

/** What the page shows of an object. */
export interface ObjectView {
  readonly key: string;
  readonly lines: readonly string[];
  readonly isAll: boolean;
}

/** The beginning of an object that a commit names: its lines, or the bytes of a record in quarantine. */
export async function objectView(key: string, lake: LakeLines, signal: AbortSignal): Promise<ObjectView> {
  if (key.startsWith(PREFIX.quarantine)) {
    const bytes = await lake.bytes(key, signal);
    return { key, lines: hexLines(bytes.subarray(0, SHOWN_BYTES)), isAll: bytes.length <= SHOWN_BYTES };
  }
  if (!key.startsWith(PREFIX.data) && !key.startsWith(PREFIX.rejected))
    throw new RouteRefusal(400, `${key} holds no lines`);
  return { key, ...(await lake.first(key, SHOWN, signal)) };
}

/** `00000010  67 69 66 2e  ...  gif.` in rows of 16 bytes. */
function hexLines(bytes: Buffer): string[] {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = row.toString("latin1").replaceAll(/[^ -~]/g, "·");
    rows.push(`${at.toString(16).padStart(8, "0")}  ${hex.padEnd(47)}  ${text}`);
  }
  return rows;
}
