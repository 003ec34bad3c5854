import { importFormat } from "./fluentd-format.ts";
import { type ImportedFormat, PUSHED, type TypeDraft } from "./imported-format.ts";
import { NAMED_FORMATS, rawFormat } from "./named-formats.ts";
import { draftOf } from "./type-draft.ts";

/** A log of fluent-agent-hydra, or what it receives, where there are no settings. */
export interface HydraRoute {
  readonly tag: string;
  readonly line: number;
  readonly settings: Readonly<Record<string, unknown>> | undefined;
}

/** The log types of what it sent: its settings are Fluentd's by other names. */
export function hydraTypes(routes: readonly HydraRoute[]): TypeDraft[] {
  return routes.map(({ tag, line, settings }) => {
    const format = settings === undefined ? PUSHED : formatOf(settings);
    const shaped = { format, fields: format.fields, drops: [], removed: new Set<string>() };
    return draftOf(shaped, { line, tags: [tag], destinations: undefined });
  });
}

function formatOf(settings: NonNullable<HydraRoute["settings"]>): ImportedFormat {
  const said = (key: string) => (typeof settings[key] === "string" ? settings[key] : undefined);
  const format = (said("Format") ?? "none").toLowerCase();
  const regexp = said("Regexp") ?? "";
  const isNamed = Object.hasOwn(NAMED_FORMATS, regexp.toLowerCase());
  const theirs =
    format !== "regexp" ? format : isNamed ? regexp.toLowerCase() : `/${regexp.replaceAll("(?P<", "(?<")}/`;
  if (!/^(?:none|ltsv|json|\/)/.test(theirs) && !isNamed)
    return rawFormat("message", `Format ${format} has no equal here: lines are kept as they are`);
  const time = settings["TimeParse"] === true ? timeSettings(said("TimeKey"), said("TimeFormat")) : [];
  const parameters = new Map([
    ["format", theirs],
    ["message_key", said("FieldName") ?? "message"],
    ...Object.entries({ types: said("Types") }).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value] as const],
    ),
    ...time,
  ]);
  return importFormat({ name: "", argument: "", line: 0, parameters, lines: new Map(), sections: [] });
}

/** Forms of times that have a name there. */
const NAMED_TIMES: Readonly<Record<string, string>> = {
  apache: "%d/%b/%Y:%H:%M:%S %z",
  nginx: "%d/%b/%Y:%H:%M:%S %z",
  syslog: "%b %d %H:%M:%S",
  unix: "%s",
};

/** Go writes a time as it would write one certain moment. source: package time of Go, read 2026-11 */
const GO_TIMES: readonly (readonly [RegExp, string])[] = [
  [/2006/g, "%Y"],
  [/\bJan\b/g, "%b"],
  [/\bMon\b/g, "%a"],
  [/MST/g, "%Z"],
  [/Z07:?00|[-+]07:?00/g, "%z"],
  [/(?<=05[.,])[09]+/g, "%L"],
  [/15/g, "%H"],
  [/01/g, "%m"],
  [/[0_]2/g, "%d"],
  [/04/g, "%M"],
  [/05/g, "%S"],
];

function timeSettings(key = "time", format: string | undefined): [string, string][] {
  const named = NAMED_TIMES[format?.toLowerCase() ?? ""];
  const ours =
    named ??
    GO_TIMES.reduce((text, [theirs, instead]) => text.replaceAll(theirs, instead), format ?? "%iso8601");
  return [
    ["time_key", key],
    ["time_format", ours],
  ];
}
