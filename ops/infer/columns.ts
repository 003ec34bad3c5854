import { columnWriter } from "../../lambdas/router/column/column-writer.ts";
import { Misfit } from "../../lambdas/router/misfit.ts";
import { type Fields, isObject, numberText } from "../../lambdas/router/parse/fields.ts";
import { columnNameNear } from "../../wire/log-type.ts";
import { columnNameProblem, isReservedWord } from "../../wire/redshift-names.ts";
import { FIELD_FORMS, type TimeForm, timeFormOf } from "./time-formats.ts";

/** What the lines have in a field. */
export interface Field {
  /** As columns name it: in JSON with dots. */
  readonly path: string;
  /** In order, those that are none left out. */
  readonly values: readonly unknown[];
  /** Lines that were looked at. */
  readonly lines: number;
}

export interface ColumnInput {
  readonly name: string;
  readonly field?: string;
  readonly type: string;
  readonly time?: { readonly format: string };
  readonly nullable?: false;
}

export interface ProposedColumn {
  readonly column: ColumnInput;
  readonly comment: string | undefined;
}

const DEPTH_MAX = 3;
const KEYS_MAX = 40;

/** Keys that only few lines have are left to `_extra`. */
const SHARE_MIN = 0.02;
const COLUMNS_MAX = 100;

/** The fields of lines: of objects, the fields in them. */
export function fieldsOf(lines: readonly Fields[]): Field[] {
  const found = new Map<string, unknown[]>();
  const whole = new Set<string>();
  for (const fields of lines) collect(fields, "", 1, found, whole);
  const isBelow = (path: string): boolean =>
    [...path.matchAll(/\./g)].some(({ index }) => whole.has(path.slice(0, index)));
  return [...found].flatMap(([path, values]) =>
    isBelow(path) ? [] : [{ path, values, lines: lines.length }],
  );
}

/** @param whole paths of values that are not taken apart in every line */
function collect(
  fields: Fields,
  above: string,
  depth: number,
  found: Map<string, unknown[]>,
  whole: Set<string>,
): void {
  for (const [name, value] of Object.entries(fields)) {
    const path = above + name;
    if (isObject(value) && depth < DEPTH_MAX && Object.keys(value).length <= KEYS_MAX) {
      collect(value, `${path}.`, depth + 1, found, whole);
      continue;
    }
    let values = found.get(path);
    if (values === undefined) found.set(path, (values = []));
    if (value === null || value === undefined) continue;
    values.push(value);
    whole.add(path);
  }
}

/** Fields that become columns; the others stay in `_extra`. */
export function chosenFields(fields: readonly Field[], taken: string | undefined): Field[] {
  return fields
    .filter(({ path, values, lines }) => path !== taken && values.length >= Math.max(1, lines * SHARE_MIN))
    .slice(0, COLUMNS_MAX);
}

/** Texts that stand for no value: any of them in the place of a number or a time, the first two in that of any. */
const NULLS = ["-", String.raw`\N`, "NULL", "null", "(null)", "N/A", "nil", "None"];

/** The texts in fields that are no value. */
export function nullsOf(fields: readonly Field[]): string[] {
  const found = new Set<string>();
  for (const { values } of fields) {
    const texts = new Set(values.filter((value) => typeof value === "string"));
    const others = values.filter((value) => !(typeof value === "string" && NULLS.includes(value)));
    const isText = others.length > 0 && textNeeded(others);
    for (const text of isText || others.length === 0 ? NULLS.slice(0, 2) : NULLS)
      if (texts.has(text)) found.add(text);
  }
  return NULLS.filter((text) => found.has(text));
}

const textNeeded = (values: readonly unknown[]): boolean =>
  values.some((value) => typeof value === "string" && !NUMBER.test(value)) &&
  timeFormOf(values.slice(0, 50), FIELD_FORMS) === undefined;

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * The columns of fields, with types that every value fits, and has room in.
 *
 * @param isRequired whether every line of the format has a value there
 */
export function columnsOf(
  fields: readonly Field[],
  nulls: readonly string[],
  isRequired: (path: string) => boolean,
): ProposedColumn[] {
  const names = new Set<string>();
  return fields.map((field) => {
    const name = uniqueName(field.path, names);
    const values = field.values.filter((value) => !(typeof value === "string" && nulls.includes(value)));
    const { type, time } = typeOf(field.path, values);
    const isAlways = values.length === field.lines;
    const percent = (100 * values.length) / field.lines;
    const comment = isAlways
      ? undefined
      : `in ${values.length === 0 ? "none" : `${percent < 1 ? "below 1" : Math.floor(percent)} %`} of the lines`;
    const isNeverNull = isRequired(field.path) && isAlways && values.every((value) => value !== "");
    const column = {
      name,
      ...(name !== field.path && { field: field.path }),
      type,
      ...(time && { time: { format: time.format } }),
      ...(isNeverNull && { nullable: false as const }),
    };
    const comments = [comment, time?.toConfirm].filter((one) => one !== undefined);
    return { column, comment: comments.length > 0 ? comments.join("; ") : undefined };
  });
}

function uniqueName(path: string, taken: Set<string>): string {
  const near = columnNameNear(path) ?? "field";
  // Without quotes, `user` is who asks, and `order` an error: whoever writes a query does not think of it.
  let name = columnNameProblem(near) === undefined && !isReservedWord(near) ? near : `${near}_`;
  for (let i = 2; taken.has(name); i++) name = `${near.slice(0, 58)}_${i}`;
  taken.add(name);
  return name;
}

interface ChosenType {
  readonly type: string;
  readonly time?: TimeForm;
}

const IS_SMALL = /^(?:.*[._])?(?:status|status_code)$|^(?:severity|facility|priority)$/i;
const IS_LARGE = /(?:^|[._])(?:id|bytes|size|length|offset|count|total|.*_id|.*bytes.*)$|Id$/;
const IS_TEXT = /version|phone|zip|postal|serial|hash|account/i;

function typeOf(path: string, values: readonly unknown[]): ChosenType {
  if (values.length === 0) return { type: "varchar(256)" };
  if (values.every((value) => typeof value === "boolean" || /^(?:true|false)$/i.test(textOf(value))))
    return { type: "boolean" };
  if (values.some((value) => isObject(value) || Array.isArray(value))) return { type: "super" };
  const isNumeric = values.every((value) => NUMBER.test(numberText(value) ?? ""));
  if (isNumeric && !(IS_TEXT.test(path) && values.some((value) => typeof value === "string"))) {
    const type = numberType(path, values);
    if (type !== undefined) return { type };
  }
  const form = timeFormOf(values, FIELD_FORMS);
  if (form) return form.format === "iso8601" ? { type: "timestamp" } : { type: "timestamp", time: form };
  if (values.every((value) => /^\d{4}-\d\d-\d\d$/.test(textOf(value))) && takes("date", values))
    return { type: "date" };
  return { type: textType(path, values) };
}

/** The narrowest that all values fit, and such as are larger by some digits. */
function numberType(path: string, values: readonly unknown[]): string | undefined {
  const texts = values.map((value) => numberText(value)!);
  if (!texts.every((text) => /^-?\d+$/.test(text)))
    return takes("double precision", texts) ? "double precision" : undefined;
  const [small, large] = [IS_SMALL.test(path), IS_LARGE.test(path)];
  if (small && takes("smallint", withRoom(texts, "0"))) return "smallint";
  if (!large && takes("integer", withRoom(texts, "000"))) return "integer";
  return ["bigint", "decimal(38,0)"].find((type) => takes(type, texts));
}

const withRoom = (texts: readonly string[], digits: string): string[] => texts.map((text) => text + digits);

/** The router itself says what fits. */
function takes(type: string, values: readonly unknown[]): boolean {
  const write = columnWriter({ name: "column", type, nullable: true }, {});
  return values.every((value) => !(write(value, 0) instanceof Misfit));
}

const TEXT_MAX_BYTES = 65_535;

/** Bytes that texts of a name may have, whatever was seen. */
const LEAST_BYTES: readonly (readonly [RegExp, number])[] = [
  [
    /(?:^|[._])(?:message|msg|text|body|error|err|exception|stack|stack_?trace|trace|line|payload|data|log)$/i,
    TEXT_MAX_BYTES,
  ],
  [/path|uri|url|refer|query|request|cookie/i, 8_192],
  [/agent/i, 2_048],
  [/host|user|name|logger|thread|domain|email/i, 255],
];
const OTHER_LEAST_BYTES = 64;

/** Room for texts this many times as long as the longest that was seen. */
const ROOM = 3;

function textType(path: string, values: readonly unknown[]): string {
  const longest = values.reduce<number>((max, value) => Math.max(max, Buffer.byteLength(textOf(value))), 1);
  let bytes = LEAST_BYTES.find(([name]) => name.test(path))?.[1] ?? OTHER_LEAST_BYTES;
  while (bytes < longest * ROOM) bytes = bytes === 255 ? 512 : bytes * 2;
  return `varchar(${Math.min(bytes, TEXT_MAX_BYTES)})`;
}

const textOf = (value: unknown): string => numberText(value) ?? JSON.stringify(value);
