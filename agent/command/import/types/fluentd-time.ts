import type { FluentdSection } from "../fluentd-syntax.ts";
import { parseTimePattern } from "../../../../wire/time-pattern.ts";
import { isTimeZone } from "../../../../wire/time-zone.ts";

/** How times are read. */
export interface ImportedTime {
  readonly format: string;
  readonly zone?: string;
}

export interface TimeReading {
  /** Undefined where it cannot be told. */
  readonly time: ImportedTime | undefined;
  readonly remark: string | undefined;
}

/** Ruby's directives that have another form here. source: Time.strptime and strptime gem, read 2026-11 */
const OTHER_FORMS: readonly (readonly [RegExp, string])[] = [
  [/%[0-9]+([NL])/g, "%$1"],
  [/%:+z/g, "%z"],
  [/%[-_^0#]([A-Za-z])/g, "%$1"],
  [/%[cC]/g, "%a %b %e %H:%M:%S %Y"],
  [/%\+/g, "%a %b %e %H:%M:%S %Z %Y"],
  [/%[xv]/g, "%m/%d/%y"],
  [/%X/g, "%H:%M:%S"],
  [/%r/g, "%I:%M:%S %p"],
];

/**
 * The time settings of a `<parse>` section.
 *
 * @param usual the parser's own format, undefined where it guesses
 * @param guess what the form of the field tells, where nothing is said
 */
export function importTime({ parameters }: FluentdSection, usual?: string, guess?: string): TimeReading {
  const type = parameters.get("time_type");
  const theirs = parameters.get("time_format");
  if (theirs === undefined && (type === "unixtime" || type === "float"))
    return { time: { format: "epoch-seconds" }, remark: undefined };
  if (theirs === undefined && usual === undefined && guess === undefined) {
    const remark =
      'Fluentd guessed the form of its time; event time is arrival time until `time` says it, such as "iso8601"';
    return { time: undefined, remark };
  }
  const format = ours(theirs) ?? (theirs === undefined ? (usual ?? guess) : undefined);
  if (format === undefined)
    return {
      time: undefined,
      remark: `time_format ${theirs}: cannot be a form of ours; event time is arrival time`,
    };
  const zone = zoneOf(parameters);
  if (hasZone(format)) return { time: { format: asIso8601(format) }, remark: undefined };
  const guessed = theirs === undefined && usual === undefined ? "; its form is a guess" : "";
  if (zone !== undefined) return { time: { format, zone }, remark: guessed.slice(2) || undefined };
  return {
    time: { format },
    remark: `its times name no zone, and Fluentd took its host's: UTC is taken${guessed}`,
  };
}

function ours(theirs: string | undefined): string | undefined {
  if (theirs === undefined) return undefined;
  if (/^%?iso8601$/i.test(theirs)) return "iso8601";
  const format = OTHER_FORMS.reduce((text, [pattern, instead]) => text.replaceAll(pattern, instead), theirs);
  try {
    parseTimePattern(format);
    return format;
  } catch {
    return undefined;
  }
}

/** More than one form of lines may be read by it. */
const asIso8601 = (format: string): string =>
  /^%(?:Y-%m-%d|F)T%(?:H:%M:%S|T)(?:[.,]%[LNf])?(?:%z|Z)$/.test(format) ? "iso8601" : format;

function hasZone(format: string): boolean {
  return /%[zZsQ]|^clf$|^epoch|^iso8601$/.test(format) || format.replaceAll(/%./g, "").endsWith("Z");
}

function zoneOf(parameters: ReadonlyMap<string, string>): string | undefined {
  const is = (name: string) => parameters.has(name) && parameters.get(name) !== "false";
  if (is("utc") || parameters.get("localtime") === "false") return "UTC";
  const zone = parameters.get("timezone")?.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2");
  return zone !== undefined && isTimeZone(zone) ? zone : undefined;
}

/** What the expression of a time's group tells of its form. */
export function guessedForm(expression: string | undefined): string | undefined {
  const form = expression
    ?.replaceAll(/\\d(?:\{[\d,]*\}|\+|\*)?|\[0-9\](?:\{[\d,]*\}|[+*])?/g, "0")
    .replaceAll(/0+/g, "0")
    .replaceAll(/\\(?=[/\-. :])/g, "");
  const found = /^0([-/])0[-/]0([ T]|\\s\+?)0:0:0(?:[.,]0)?$/.exec(form ?? "");
  if (!found) return undefined;
  const fraction = form!.includes(".0") ? ".%L" : form!.includes(",0") ? ",%L" : "";
  return `%Y${found[1]}%m${found[1]}%d${found[2] === "T" ? "T" : " "}%H:%M:%S${fraction}`;
}
