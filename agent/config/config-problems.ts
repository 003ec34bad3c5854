import * as z from "zod";
import { toDotPath } from "zod/v4/core";
import { closest } from "../../wire/closest.ts";
import { asItShouldBe, isSecret } from "./setting-value.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** The part of JSON Schema that says where there is which setting. */
interface Shape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly items?: Shape;
}

/** What is written in the place of settings that cannot be left out. */
const EXAMPLES: Readonly<Record<string, string>> = {
  stream: 'stream = "logs" above the first [table]',
  tag: 'tag = "access"',
  path: 'path = "/var/log/nginx/access.log"',
  cert_file: 'cert_file = "/etc/weir/cert.pem"',
  key_file: 'key_file = "/etc/weir/key.pem"',
  username: 'username = "web"',
  password: 'password = "${NAME}", and set NAME in /etc/weir/environment',
  pattern: 'pattern = "[0-9]{16}"',
  keep: "keep = 0.1",
  files: "[[files]], and under it tag and path",
};

/** Where a configuration does not fit its schema: what is wrong, and what to write. Values that may be secrets are not told. */
export class ConfigProblems {
  readonly #value: unknown;
  readonly #root: Shape;

  /** @param schema of all settings @param value that does not fit it */
  constructor(schema: z.ZodType, value: unknown) {
    this.#root = z.toJSONSchema(schema, { io: "input" }) as Shape;
    this.#value = value;
  }

  /** Whether a name is that of a setting, somewhere. */
  knows(name: string): boolean {
    return tablesWith(this.#root, name).length > 0;
  }

  /** @param prefix says where a field stands, such as its line */
  texts(issues: readonly Issue[], prefix: (path: Path) => string): string[] {
    const misspelt = new Set(issues.flatMap((issue) => this.#misspelt(issue)));
    return issues.flatMap((issue) => {
      // What is there under another name is not missing.
      if (misspelt.has(toDotPath(issue.path))) return [];
      const field = toDotPath(issue.path);
      return this.#explained(issue).map(
        ({ at, text }) => `${prefix(at)}${field === "" ? "" : `${field}: `}${text}`,
      );
    });
  }

  #explained(issue: Issue): { readonly at: Path; readonly text: string }[] {
    const { path } = issue;
    if (issue.code !== "unrecognized_keys") return [{ at: path, text: this.#text(issue) }];
    return issue.keys.map((key) => ({ at: [...path, key], text: this.#strange(path, key) }));
  }

  #text(issue: Issue): string {
    const { path } = issue;
    const key = lastName(path);
    const value = valueAt(this.#value, path);
    if (value === undefined && (issue.code === "invalid_type" || issue.code === "invalid_union")) {
      return EXAMPLES[key] ? `is missing: write ${EXAMPLES[key]}` : "is missing";
    }
    if (issue.code === "invalid_union") {
      // The alternative that is for values of this kind says what is wrong with this one.
      const [fitting] =
        issue.errors.find(([first]) => first !== undefined && first.code !== "invalid_type") ?? [];
      const first = fitting ?? issue.errors[0]?.[0];
      return first ? this.#text({ ...first, path: [...path, ...first.path] }) : issue.message;
    }
    if (issue.code === "invalid_type") {
      const table = path.filter((part) => typeof part === "string").join(".");
      return asItShouldBe(key, issue.expected, value, typeof path.at(-1) === "number" ? `[${table}]` : table);
    }
    if (issue.code === "invalid_format" && issue.format === "url") {
      return `is no URL: it begins with https://, as in ${key} = "https://vpce-1.kinesis.eu-west-1.vpce.amazonaws.com"`;
    }
    if (issue.message.startsWith(ABSOLUTE) && typeof value === "string")
      return `${issue.message}${from(key, value)}`;
    return issue.message;
  }

  /** A name that is no setting where it stands. */
  #strange(path: Path, key: string): string {
    const text = `Unrecognized key: "${key}"`;
    const { properties = {} } = shapeAt(this.#root, path) ?? {};
    const meant = closest(key, Object.keys(properties));
    if (meant !== undefined) return `${text}: did you mean ${written(meant, properties[meant]!)}?`;
    const value = valueAt(this.#value, [...path, key]);
    if (path.length > 0 && this.#root.properties?.[key])
      return `${text}: ${above(key, this.#root.properties[key], value)}`;
    const tables = tablesWith(this.#root, key);
    if (tables.length > 0) return `${text}: it is a setting of ${tables.join(" and of ")}`;
    const near = closest(key, Object.keys(this.#root.properties ?? {}));
    if (path.length > 0 && near !== undefined)
      return `${text}: did you mean ${near}, above the first [table]?`;
    return `${text}: there is ${Object.keys(properties).join(", ")}`;
  }

  /** Settings that are there under a name that is nearly theirs. */
  #misspelt(issue: Issue): string[] {
    if (issue.code !== "unrecognized_keys") return [];
    const names = Object.keys(shapeAt(this.#root, issue.path)?.properties ?? {});
    return issue.keys.flatMap((key) => {
      const meant = closest(key, names);
      return meant === undefined ? [] : [toDotPath([...issue.path, meant])];
    });
  }
}

/** Beginning of the message of `absolutePath`. */
const ABSOLUTE = "must be an absolute path";

function from(key: string, value: string): string {
  const rest = value.replace(/^(?:~|\.{1,2})?\/+/, "");
  return `: write ${key} = ${JSON.stringify(`/where/it/is/${rest}`)}, from the root on${value.startsWith("~") ? "; ~ means nothing here" : ""}`;
}

/** TOML gives what stands under a table to the table. */
function above(key: string, shape: Shape, value: unknown): string {
  if (shape.type === "object" || shape.type === "array") return `write ${written(key, shape)}`;
  const isTold = typeof value === "string" && !isSecret(key) && !value.includes("://");
  const line = isTold ? `${key} = ${JSON.stringify(value)}` : key;
  return `it is a setting of the whole agent: write ${line} above the first [table]`;
}

function written(name: string, { type, items }: Shape): string {
  if (type === "object") return `[${name}]`;
  return type === "array" && items?.type === "object" ? `[[${name}]]` : `"${name}"`;
}

function shapeAt(root: Shape, path: Path): Shape | undefined {
  return path.reduce<Shape | undefined>(
    (shape, key) => (typeof key === "number" ? shape?.items : shape?.properties?.[String(key)]),
    root,
  );
}

/** The tables at the top that have such a setting. */
function tablesWith({ properties = {} }: Shape, key: string): string[] {
  const found = Object.hasOwn(properties, key) ? ["the whole agent"] : [];
  for (const [name, shape] of Object.entries(properties)) {
    const inner = shape.type === "array" ? shape.items : shape;
    if (inner?.properties && hasSetting(inner, key)) found.push(written(name, shape));
  }
  return found;
}

function hasSetting({ properties = {}, items }: Shape, key: string): boolean {
  if (Object.hasOwn(properties, key)) return true;
  return [...Object.values(properties), ...(items ? [items] : [])].some((shape) => hasSetting(shape, key));
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

function lastName(path: Path): string {
  return path.findLast((key) => typeof key === "string") ?? "";
}
