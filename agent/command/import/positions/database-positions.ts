import type { DatabaseSync } from "node:sqlite";
import { isAbsolute } from "node:path";
import type { ForeignPosition, ForeignPositions } from "./foreign-position.ts";

/** A database of positions. */
interface Format {
  readonly kind: string;
  readonly table: string;
  /** Gives path, file and offset as texts, knownAtMs and changedAtMs, null where the database does not say; the latest last. */
  readonly query: string;
  /** The inode in what names a file. */
  readonly inode: RegExp;
  readonly isInOrder: boolean;
}

const FORMATS: readonly Format[] = [
  {
    // source: plugins/in_tail/tail_sql.h, Fluent Bit 5.1, read 2026-11
    kind: "Fluent Bit's database of tail",
    table: "in_tail_files",
    query: `SELECT name AS path, CAST(inode AS TEXT) AS file, CAST(offset AS TEXT) AS offset, NULL AS knownAtMs,
        NULL AS changedAtMs
      FROM in_tail_files ORDER BY id`,
    inode: /^(\d+)$/,
    isInOrder: false,
  },
  {
    // source: SQLiteFileCheckpointStore.java, and UnixFileKey of the JDK, "(dev=fd01,ino=131212)"; read 2026-11
    kind: "amazon-kinesis-agent's checkpoints",
    table: "FILE_CHECKPOINTS",
    query: `SELECT path, fileId AS file, CAST(offset AS TEXT) AS offset,
        CAST(unixepoch(lastUpdated, 'subsec') * 1000 AS INTEGER) AS knownAtMs,
        lastModifiedTime AS changedAtMs
      FROM FILE_CHECKPOINTS ORDER BY lastUpdated`,
    inode: /^\(dev=[0-9a-f]+,ino=(\d+)\)$/,
    isInOrder: true,
  },
];

/**
 * The SQLite database in which Fluent Bit's tail or amazon-kinesis-agent keeps its positions. It is read with
 * what stands in its write-ahead log, and not changed.
 *
 * @returns undefined where it has neither's table
 * @throws whatever SQLite says of it: locked, damaged, closed to us
 */
export function readDatabasePositions(file: string, writtenAtMs: number): ForeignPositions | undefined {
  // Loaded when it is needed: an agent that runs has no use for it.
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const format = FORMATS.find(({ table }) => hasTable(database, table));
    return format && readAll(database, format, writtenAtMs);
  } finally {
    database.close();
  }
}

function hasTable(database: DatabaseSync, table: string): boolean {
  const query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
  return database.prepare(query).get(table) !== undefined;
}

function readAll(database: DatabaseSync, format: Format, writtenAtMs: number): ForeignPositions {
  const positions: ForeignPosition[] = [];
  const notes: string[] = [];
  for (const { path, file, offset, knownAtMs, changedAtMs } of database.prepare(format.query).iterate()) {
    const ino = typeof file === "string" ? format.inode.exec(file)?.[1] : undefined;
    const at = /^\d+$/.test(String(offset)) ? Number(offset) : undefined;
    const isPath = typeof path === "string" && isAbsolute(path);
    if (isPath && ino !== undefined && at !== undefined && Number.isSafeInteger(at)) {
      const known = typeof knownAtMs === "number" ? knownAtMs : writtenAtMs;
      positions.push({
        path,
        ino,
        offset: at,
        isUnwatched: false,
        isInOrder: format.isInOrder,
        knownAtMs: known,
        changedAtMs: typeof changedAtMs === "number" ? changedAtMs : undefined,
      });
    } else {
      notes.push(`left out, it is no position: ${JSON.stringify({ path, file, offset })}`);
    }
  }
  return { kind: format.kind, positions, notes };
}
