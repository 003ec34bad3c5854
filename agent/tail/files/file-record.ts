import type { Source } from "../../../wire/provenance.ts";
import type { Unpacked } from "./compressed-file.ts";
import { type FileIdentity, sameFile, sourceId } from "../disk/file-identity.ts";
import type { Fingerprint, Verified } from "../fingerprint/fingerprint.ts";
import { NO_HEAD } from "../fingerprint/head-fingerprint.ts";
import { statRotated } from "../disk/rotated-files.ts";
import { type FileStat, statFile } from "../disk/file-stat.ts";

/** What a checkpoint keeps of a followed file, but for its position. */
export interface FileRecord extends Fingerprint {
  readonly source: Source;
  readonly tag: string;
  readonly file: FileIdentity;
  readonly generation: number;
  /** The source has its final id, which needs a first line. */
  readonly isNamed: boolean;
  /** Path at which it was last seen; the source's path is the one it was first read under. */
  readonly location: string;
  readonly hasEnded: boolean;
  /** Since when it is not found, of one that has ended or was lost. */
  readonly goneAtMs: number | undefined;
  readonly verified: Verified | undefined;
  /** Undefined where its location is no compressed file. */
  readonly unpacked: Unpacked | undefined;
  /** Offsets at which a line ends though its bytes do not say so. */
  readonly breaks: readonly number[];
  /** Salt of its ids, and of those of its later generations: see `sourceId`. */
  readonly salt?: string | undefined;
}

/**
 * The record of a file of which nothing was read.
 *
 * @param path at which it was, or would have been, seen first
 */
export function newRecord(
  { file, path: location }: Pick<FileStat, "file" | "path">,
  path: string,
  host: string,
  tag: string,
  generation: number,
  nowMs: number,
  salt?: string,
): FileRecord {
  const source = { id: sourceId(host, file, generation, Buffer.alloc(0), nowMs, salt), host, path };
  const known = { source, tag, file, generation, isNamed: false, location, hasEnded: false, salt };
  return {
    ...known,
    goneAtMs: undefined,
    header: NO_HEAD,
    guard: undefined,
    verified: undefined,
    unpacked: undefined,
    breaks: [],
  };
}

/** A file may have been renamed since it was last looked at. */
export async function whereIs(
  record: Pick<FileRecord, "file" | "location" | "source">,
): Promise<FileStat | undefined> {
  const { file, location, source } = record;
  const here = await statFile(location);
  if (here && sameFile(here.file, file)) return here;
  const rotated = (await statRotated([source.path])).get(source.path);
  return rotated?.find((fileStat) => sameFile(fileStat.file, file));
}
