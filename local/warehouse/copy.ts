import { pipeline } from "node:stream/promises";
import { pipeline as pipe, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { type Client, escapeIdentifier } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { type CopyCommand } from "./copy-command.ts";
import { type CopyColumn, copyRow, ERROR_CODE, LoadError, ValueError } from "./copy-row.ts";
import { StatementError } from "./warehouse-error.ts";

/** One line of input. COPY reference, read 2026-11. */
const LINE_MAX_BYTES = 4 * 2 ** 20;
/** Objects asked for ahead of the one being read: small objects cost a round trip each. */
const LOOKAHEAD = 8;
const CHUNK_CHARS = 2 ** 16;

interface S3Object {
  readonly bucket: string;
  readonly key: string;
  /** False: COPY goes on where the object is missing, as manifests have it by default. */
  readonly mandatory: boolean;
}

/** What COPY did: rows that it loaded, and those that MAXERROR lets it leave out. */
export interface Copied {
  readonly rows: number;
  readonly errors: readonly LoadError[];
}

/**
 * Runs COPY inside the connection's transaction, from S3 to PostgreSQL as a stream. The session's last count is 0 until
 * it has succeeded. PG_LAST_COPY_COUNT reference, read 2026-11
 *
 * @throws LoadError for a row that does not fit, StatementError for objects that are not there
 */
export async function copy(command: CopyCommand, client: Client, s3: S3Client): Promise<Copied> {
  await setLastCount(0, client);
  const columns = await tableColumns(command, client);
  if (command.maxErrors > 0) await assertTemporary(command, client);
  const objects = command.manifest ? await readManifest(command, s3) : await listObjects(command, s3);
  const names = columns.map(({ name }) => escapeIdentifier(name)).join(", ");
  const left = new LeftOut(command.maxErrors);
  for (;;) {
    // PostgreSQL stops at a row that it refuses: it is told, and all is read again without it.
    if (command.maxErrors > 0) await client.query("SAVEPOINT copy");
    const reading = new Reading(command, columns, objects, s3, left);
    const sink = client.query(copyFrom(`COPY ${command.table} (${names}) FROM STDIN`));
    try {
      await pipeline(Readable.from(reading.rows(), { objectMode: false }), sink);
    } catch (error) {
      const placed = reading.place(error);
      if (!(placed instanceof LoadError) || !left.add(placed)) throw placed;
      await client.query("ROLLBACK TO SAVEPOINT copy");
      continue;
    }
    await setLastCount(sink.rowCount, client);
    return { rows: sink.rowCount, errors: left.errors };
  }
}

/** A table of people may have lost rows by it; what is only looked at may leave some out. */
async function assertTemporary({ table }: CopyCommand, client: Client): Promise<void> {
  const sql = "SELECT relpersistence AS kind FROM pg_class WHERE oid = $1::regclass";
  const { rows } = await client.query<{ kind: string }>(sql, [table]);
  if (rows[0]?.kind !== "t") throw new StatementError("ERROR: MAXERROR above 0 drops rows");
}

/** Rows that a COPY leaves out, up to its MAXERROR. */
class LeftOut {
  readonly errors: LoadError[] = [];
  readonly #max: number;
  readonly #lines = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  /** @returns false once it is one too many */
  add(error: LoadError): boolean {
    if (this.errors.length >= this.#max) return false;
    this.errors.push(error);
    this.#lines.add(`${error.file} ${error.line}`);
    return true;
  }

  has(file: string, line: number): boolean {
    return this.#lines.has(`${file} ${line}`);
  }
}

async function setLastCount(rows: number, client: Client): Promise<void> {
  await client.query("SELECT set_config('redshift.last_copy_count', $1, false)", [`${rows}`]);
}

const COLUMNS_SQL = `
  SELECT attname AS name, format_type(atttypid, NULL) AS type, nullif(atttypmod, -1) - 4 AS bytes
  FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`;

async function tableColumns({ table, columns }: CopyCommand, client: Client): Promise<CopyColumn[]> {
  const { rows } = await client.query<{ name: string; type: string; bytes: number | null }>(COLUMNS_SQL, [
    table,
  ]);
  const found = new Map(
    rows.map(({ name, type, bytes }) => {
      const textual = type === "character varying" || type === "character";
      const maxBytes = textual ? (bytes ?? undefined) : undefined;
      return [name, { name, type: type.endsWith("super") ? "super" : type, maxBytes }];
    }),
  );
  return (columns ?? [...found.keys()]).map((name) => {
    const column = found.get(name);
    if (!column) throw new StatementError(`ERROR: column "${name}" of relation ${table} does not exist`);
    return column;
  });
}

async function readManifest({ bucket, key }: CopyCommand, s3: S3Client): Promise<S3Object[]> {
  const body = await get(s3, { bucket, key, mandatory: true });
  let entries: { url: string; mandatory?: boolean }[];
  try {
    entries = (JSON.parse(await text(body!)) as { entries: typeof entries }).entries;
    entries.map(({ url }) => url.length);
  } catch {
    throw new StatementError(`ERROR: The manifest s3://${bucket}/${key} is not valid JSON with entries`);
  }
  return entries.map(({ url, mandatory }) => {
    const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(url) ?? [];
    if (bucket === undefined || key === undefined)
      throw new StatementError(`ERROR: The manifest names ${url}, which is no S3 object`);
    return { bucket, key, mandatory: mandatory === true };
  });
}

/** Without a manifest, FROM is a prefix of keys. */
async function listObjects({ bucket, key }: CopyCommand, s3: S3Client): Promise<S3Object[]> {
  const objects: S3Object[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: key, ContinuationToken }));
    for (const { Key } of page.Contents ?? []) objects.push({ bucket, key: Key!, mandatory: true });
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  if (objects.length === 0)
    throw new StatementError(`ERROR: The specified S3 prefix '${key}' does not exist`);
  return objects;
}

/** @returns undefined for an object that is missing and may be */
async function get(s3: S3Client, { bucket, key, mandatory }: S3Object): Promise<Readable | undefined> {
  try {
    const body = (await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))).Body as Readable;
    return body.on("error", () => {}); // thrown when it is read, which may be later
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    if (name === "NoSuchKey" && !mandatory) return undefined;
    const status = $metadata?.httpStatusCode ?? "none";
    throw new StatementError(
      `ERROR: S3ServiceException:${message},Status ${status},Error ${name},Key ${key}`,
      { cause: error },
    );
  }
}

/** Reads objects in order and remembers which rows came of which, to place an error of PostgreSQL's. */
class Reading {
  readonly #command: CopyCommand;
  readonly #columns: readonly CopyColumn[];
  readonly #objects: readonly S3Object[];
  readonly #s3: S3Client;
  readonly #left: LeftOut;
  /** First row of each object so far, counted from 1 as PostgreSQL does. */
  readonly #starts: { file: string; row: number }[] = [];
  /** Line of each row in its file, where some are left out. */
  readonly #lines: number[] = [];
  #row = 0;

  constructor(
    command: CopyCommand,
    columns: readonly CopyColumn[],
    objects: readonly S3Object[],
    s3: S3Client,
    left: LeftOut,
  ) {
    this.#left = left;
    this.#command = command;
    this.#columns = columns;
    this.#objects = objects;
    this.#s3 = s3;
  }

  async *rows(): AsyncGenerator<Buffer> {
    const ahead: ReturnType<typeof get>[] = [];
    try {
      for (let at = 0; at < this.#objects.length; at++) {
        while (ahead.length < LOOKAHEAD && at + ahead.length < this.#objects.length) {
          const body = get(this.#s3, this.#objects[at + ahead.length]!);
          body.catch(() => {}); // thrown when its turn comes
          ahead.push(body);
        }
        const body = await ahead.shift();
        const { bucket, key } = this.#objects[at]!;
        if (body) yield* this.#object(`s3://${bucket}/${key}`, body);
      }
    } finally {
      // An answer that nobody reads keeps its connection, and the client has no more than 50 of them.
      for (const body of ahead) void body.then((left) => left?.destroy()).catch(() => {});
    }
  }

  async *#object(file: string, body: Readable): AsyncGenerator<Buffer> {
    this.#starts.push({ file, row: this.#row + 1 });
    let line = 0;
    let out = "";
    for await (const block of lineBlocks(this.#decompress(file, body))) {
      for (const json of block.split("\n")) {
        line++;
        if (json.trim() === "" || this.#left.has(file, line)) continue;
        const row = this.#convert(json, file, line);
        if (row === undefined) continue;
        out += row;
        if (this.#command.maxErrors > 0) this.#lines.push(line);
        this.#row++;
        if (out.length >= CHUNK_CHARS) {
          yield Buffer.from(out);
          out = "";
        }
      }
    }
    if (out !== "") yield Buffer.from(out);
  }

  /** @returns undefined for a row that is left out */
  #convert(json: string, file: string, line: number): string | undefined {
    try {
      if (json.length > LINE_MAX_BYTES) throw new ValueError(ERROR_CODE.badLine, "Line is longer than 4 MB");
      return copyRow(json, this.#columns, this.#command.timeFormat);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      const { errorCode, column, message: reason } = error;
      const refused = new LoadError(this.#command.table, { file, line, column, errorCode, reason });
      if (this.#left.add(refused)) return undefined;
      throw refused;
    }
  }

  async *#decompress(file: string, body: Readable): AsyncGenerator<Buffer> {
    const { codec } = this.#command;
    const inflate = codec === "gzip" ? createGunzip() : createZstdDecompress();
    try {
      if (codec === "none") yield* body;
      else yield* pipe(body, inflate, () => {}); // its error is thrown here as well
    } catch (cause) {
      throw new StatementError(`ERROR: ${file} is not ${codec}: ${(cause as Error).message}`, { cause });
    }
  }

  /** An error of PostgreSQL's says "COPY access, line 12, column status": that line is one of ours. */
  place(error: unknown): unknown {
    const { where, message: reason } = error as Error & { where?: string };
    const [, row, name] = /line (\d+)(?:, column ([^:]+))?/.exec(where ?? "") ?? [];
    const start = this.#starts.findLast((start) => start.row <= Number(row));
    if (!start) return error;
    const column = this.#columns.find((column) => column.name === name?.replaceAll('"', ""));
    const line = this.#lines[Number(row) - 1] ?? Number(row) - start.row + 1;
    return new LoadError(this.#command.table, {
      file: start.file,
      line,
      column,
      errorCode: ERROR_CODE.badValue,
      reason,
    });
  }
}

/** Blocks of whole lines, without the last line feed of each. */
async function* lineBlocks(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of body) {
    const end = chunk.lastIndexOf(10);
    if (end === -1) {
      rest.push(chunk);
      restBytes += chunk.length;
      if (restBytes > 2 * LINE_MAX_BYTES) throw new StatementError("ERROR: Line is longer than 4 MB");
      continue;
    }
    yield Buffer.concat([...rest, chunk.subarray(0, end)]).toString("utf8");
    rest = [chunk.subarray(end + 1)];
    restBytes = chunk.length - end - 1;
  }
  const last = Buffer.concat(rest);
  if (last.length > 0) yield last.toString("utf8");
}
