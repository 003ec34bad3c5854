import { open, stat } from "node:fs/promises";
import { ConfigError } from "../../../../wire/config.ts";
import { AgentError, systemReason } from "../../../agent-error.ts";
import { readDatabasePositions } from "./database-positions.ts";
import { readFluentdPositions } from "./fluentd-positions.ts";
import type { ForeignPositions } from "./foreign-position.ts";

/** source: https://www.sqlite.org/fileformat2.html, read 2026-11 */
const SQLITE_MAGIC = Buffer.from("SQLite format 3\0");

/** A pos_file has a line of some hundred bytes for each file. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * What Fluentd, Fluent Bit or amazon-kinesis-agent has written down; which of them it was shows in the file.
 *
 * @throws AgentError CONFIG_UNREADABLE, ConfigError where it is none of theirs
 */
export async function readForeignPositions(file: string): Promise<ForeignPositions> {
  try {
    const { isDatabase, text } = await readStart(file);
    const found = isDatabase
      ? readDatabasePositions(file, await changedAt([file, `${file}-wal`]))
      : readFluentdPositions(text, await changedAt([file]));
    if (found !== undefined) return found;
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    const hint = "Stop the other agent, and name its own file, as a user who may read it.";
    throw new AgentError("CONFIG_UNREADABLE", file, systemReason(cause), hint, { cause });
  }
  const forms =
    "Fluentd's pos_file, Fluent Bit's tail database (db) and amazon-kinesis-agent's checkpoints are";
  throw new ConfigError(file, [`these are no positions that are known; ${forms}`]);
}

async function readStart(file: string): Promise<{ readonly isDatabase: boolean; readonly text: string }> {
  await using handle = await open(file);
  const { size } = await handle.stat();
  if (size > MOST_BYTES) throw new ConfigError(file, [`${size} bytes are more than positions take`]);
  const bytes = Buffer.alloc(size);
  const { bytesRead } = await handle.read(bytes, 0, size, 0);
  const isDatabase = bytes.subarray(0, SQLITE_MAGIC.length).equals(SQLITE_MAGIC);
  return { isDatabase, text: isDatabase ? "" : bytes.toString("utf8", 0, bytesRead) };
}

/** Time of the last change of any of them. */
async function changedAt(files: readonly string[]): Promise<number> {
  const times = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(...times);
}
