import { StatementError } from "./warehouse-error.ts";

/**
 * COPY table [ ( column [, ...] ) ] FROM 's3://bucket/key' IAM_ROLE { default | 'arn' } option ...
 *
 * The options are those that a load without loss may use: TRUNCATECOLUMNS and ACCEPTINVCHARS change data and are
 * refused, and so is MAXERROR above 0 of any table but a temporary one.
 *
 * source: Redshift COPY reference, read 2026-11
 */
export interface CopyCommand {
  /** As written, quotes included. */
  readonly table: string;
  /** Unquoted; undefined for every column of the table. */
  readonly columns: readonly string[] | undefined;
  readonly bucket: string;
  /** Key of the manifest, or else a prefix of keys. */
  readonly key: string;
  readonly manifest: boolean;
  readonly codec: "none" | "gzip" | "zstd";
  readonly timeFormat: "auto" | "epochsecs" | "epochmillisecs";
  /** Rows that it may leave out, each of them told in sys_load_error_detail. */
  readonly maxErrors: number;
}

/** source: COPY reference, read 2026-11 */
const MAX_ERRORS = 100_000;

/** Words, numbers, quoted names with dots, strings and punctuation. */
const TOKEN = /'(?:[^'\\]|''|\\[\s\S])*'|(?:"(?:[^"]|"")*"|[\w$]+)(?:\.(?:"(?:[^"]|"")*"|[\w$]+))*|[(),;]/g;

export const isCopy = (sql: string): boolean => /^\s*COPY\b/i.test(sql);

/** @throws StatementError with Redshift's words for what it does not understand */
export function parseCopy(sql: string): CopyCommand {
  const tokens = new Tokens(sql.match(TOKEN) ?? []);
  tokens.expect("COPY");
  const table = tokens.next();
  const columns = tokens.take("(") ? columnList(tokens) : undefined;
  tokens.expect("FROM");
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(tokens.string()) ?? [];
  if (bucket === undefined || key === undefined) {
    throw new StatementError("ERROR: the local warehouse copies from s3:// only");
  }
  return { table, columns, bucket, key, ...options(tokens) };
}

function columnList(tokens: Tokens): string[] {
  const columns: string[] = [];
  do columns.push(unquote(tokens.next()));
  while (tokens.take(","));
  tokens.expect(")");
  return columns;
}

function options(tokens: Tokens): Pick<CopyCommand, "manifest" | "codec" | "timeFormat" | "maxErrors"> {
  let manifest = false;
  let codec: CopyCommand["codec"] = "none";
  let timeFormat = "auto";
  let json = false;
  let role = false;
  let maxErrors = 0;
  for (let word = tokens.option(); word !== undefined; word = tokens.option()) {
    switch (word) {
      case "IAM_ROLE":
        role = tokens.take("DEFAULT") || tokens.string() !== "";
        break;
      case "FORMAT":
        tokens.take("AS");
        break;
      case "JSON":
        tokens.take("AS");
        json = tokens.string() === "auto";
        break;
      case "GZIP":
      case "ZSTD":
        codec = word === "GZIP" ? "gzip" : "zstd";
        break;
      case "MANIFEST":
        manifest = true;
        break;
      case "TIMEFORMAT":
        tokens.take("AS");
        timeFormat = tokens.string();
        break;
      case "COMPUPDATE":
      case "STATUPDATE":
        tokens.next();
        break;
      case "REGION":
        tokens.take("AS");
        tokens.string();
        break;
      case "MAXERROR":
        tokens.take("AS");
        maxErrors = Number(tokens.next());
        break;
      default:
        throw new StatementError(`ERROR: syntax error at or near "${word.toLowerCase()}"`);
    }
  }
  if (!role) throw new StatementError("ERROR: COPY needs credentials: IAM_ROLE is missing");
  if (!json) throw new StatementError("ERROR: the local warehouse copies JSON 'auto' only");
  if (timeFormat !== "auto" && timeFormat !== "epochsecs" && timeFormat !== "epochmillisecs") {
    throw new StatementError(`ERROR: the local warehouse has no TIMEFORMAT '${timeFormat}'`);
  }
  if (!(maxErrors >= 0 && maxErrors <= MAX_ERRORS)) {
    throw new StatementError(`ERROR: MAXERROR is 0 to ${MAX_ERRORS}`);
  }
  return { manifest, codec, timeFormat, maxErrors };
}

class Tokens {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  next(): string {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw new StatementError("ERROR: syntax error at end of input");
    return token;
  }

  /** The next option's word in capitals, undefined at the end. */
  option(): string | undefined {
    this.take(";");
    return this.#at < this.#tokens.length ? this.next().toUpperCase() : undefined;
  }

  take(word: string): boolean {
    if (this.#tokens[this.#at]?.toUpperCase() !== word) return false;
    this.#at++;
    return true;
  }

  expect(word: string): void {
    const token = this.next();
    if (token.toUpperCase() !== word) throw new StatementError(`ERROR: syntax error at or near "${token}"`);
  }

  string(): string {
    const token = this.next();
    if (!token.startsWith("'")) throw new StatementError(`ERROR: syntax error at or near "${token}"`);
    return token
      .slice(1, -1)
      .replaceAll(/''|\\([\s\S])/g, (_, escaped: string | undefined) => escaped ?? "'");
  }
}

const unquote = (name: string): string =>
  name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name.toLowerCase();
