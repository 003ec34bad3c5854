import { readTime } from "../../lambdas/router/time/event-time.ts";

/** A form that times have in logs. */
export interface TimeForm {
  /** As in the configuration. */
  readonly format: string;
  /** What it looks like at the beginning of a line, where it does not need to be asked for by its field's name. */
  readonly pattern?: string;
  /** What a person has to know of it. */
  readonly toConfirm?: string;
}

const CLOCK = String.raw`\d\d:\d\d:\d\d`;
const FRACTION = String.raw`\d{1,12}`;
const NO_ZONE = "these times name no zone: UTC is taken";
const DAY_FIRST = "the day stands first, unless it is %m/%d/%Y";
const NO_YEAR = `${NO_ZONE}; nor a year: the latest that is not after arrival is`;

/** From those that say the most to those that may be taken for others. */
export const TIME_FORMS: readonly TimeForm[] = [
  {
    format: "iso8601",
    pattern: String.raw`\d{4}-\d\d-\d\d[T ]${CLOCK}(?:[.,]${FRACTION})? ?(?:Z|[+\-]\d\d:?\d\d)`,
  },
  {
    format: "%Y-%m-%d %H:%M:%S.%L %Z",
    pattern: String.raw`\d{4}-\d\d-\d\d ${CLOCK}\.${FRACTION} (?:UTC|GMT|[A-Z]{2,3}T)\b`,
  },
  {
    format: "%Y-%m-%d %H:%M:%S %Z",
    pattern: String.raw`\d{4}-\d\d-\d\d ${CLOCK} (?:UTC|GMT|[A-Z]{2,3}T)\b`,
  },
  {
    format: "iso8601",
    pattern: String.raw`\d{4}-\d\d-\d\d[T ]${CLOCK}(?:[.,]${FRACTION})?`,
    toConfirm: NO_ZONE,
  },
  { format: "clf", pattern: String.raw`\d\d\/[A-Z][a-z]{2}\/\d{4}:${CLOCK} [+\-]\d{4}` },
  {
    format: "%a %b %d %H:%M:%S.%L %Y",
    pattern: String.raw`[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d ${CLOCK}\.${FRACTION} \d{4}`,
    toConfirm: NO_ZONE,
  },
  {
    format: "%a %b %d %H:%M:%S %Y",
    pattern: String.raw`[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d ${CLOCK} \d{4}`,
    toConfirm: NO_ZONE,
  },
  {
    format: "%a %b %d %H:%M:%S %Z %Y",
    pattern: String.raw`[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d ${CLOCK} [A-Z]{1,5} \d{4}`,
  },
  {
    format: "%Y/%m/%d %H:%M:%S.%L",
    pattern: String.raw`\d{4}\/\d\d\/\d\d ${CLOCK}\.${FRACTION}`,
    toConfirm: NO_ZONE,
  },
  { format: "%Y/%m/%d %H:%M:%S", pattern: String.raw`\d{4}\/\d\d\/\d\d ${CLOCK}`, toConfirm: NO_ZONE },
  {
    format: "%d-%b-%Y %H:%M:%S.%L",
    pattern: String.raw`\d\d-[A-Z][a-z]{2}-\d{4} ${CLOCK}\.${FRACTION}`,
    toConfirm: NO_ZONE,
  },
  { format: "%d-%b-%Y %H:%M:%S", pattern: String.raw`\d\d-[A-Z][a-z]{2}-\d{4} ${CLOCK}`, toConfirm: NO_ZONE },
  {
    format: "%d %b %Y %H:%M:%S.%L",
    pattern: String.raw`\d{1,2} [A-Z][a-z]{2} \d{4} ${CLOCK}\.${FRACTION}`,
    toConfirm: NO_ZONE,
  },
  {
    format: "%d %b %Y %H:%M:%S",
    pattern: String.raw`\d{1,2} [A-Z][a-z]{2} \d{4} ${CLOCK}`,
    toConfirm: NO_ZONE,
  },
  {
    format: "%b %d, %Y %I:%M:%S %p",
    pattern: String.raw`[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M`,
    toConfirm: NO_ZONE,
  },
  {
    format: "syslog",
    pattern: String.raw`[A-Z][a-z]{2} [ \d]\d ${CLOCK}(?:\.${FRACTION})?`,
    toConfirm: NO_YEAR,
  },
  { format: "%d.%m.%Y %H:%M:%S", pattern: String.raw`\d\d\.\d\d\.\d{4} ${CLOCK}`, toConfirm: NO_ZONE },
  {
    format: "%d/%m/%Y %H:%M:%S",
    pattern: String.raw`\d\d\/\d\d\/\d{4} ${CLOCK}`,
    toConfirm: `${NO_ZONE}; ${DAY_FIRST}`,
  },
  { format: "%m/%d/%Y %H:%M:%S", pattern: String.raw`\d\d\/\d\d\/\d{4} ${CLOCK}`, toConfirm: NO_ZONE },
  {
    format: "%Y-%m-%d-%H.%M.%S.%L",
    pattern: String.raw`\d{4}-\d\d-\d\d-\d\d\.\d\d\.\d\d\.\d+`,
    toConfirm: NO_ZONE,
  },
  { format: "%Y%m%dT%H%M%S%z", pattern: String.raw`\d{8}T\d{6}(?:Z|[+\-]\d{4})` },
  { format: "%Y%m%d %H:%M:%S", pattern: String.raw`\d{8} ${CLOCK}`, toConfirm: NO_ZONE },
  { format: "%y%m%d %H%M%S", pattern: String.raw`\d{6} \d{6}`, toConfirm: NO_ZONE },
  { format: "%m%d %H:%M:%S.%L", pattern: String.raw`\d{4} ${CLOCK}\.\d{6}`, toConfirm: NO_YEAR },
  { format: "%m-%d %H:%M:%S.%L", pattern: String.raw`\d\d-\d\d ${CLOCK}\.\d{3}`, toConfirm: NO_YEAR },
  { format: "%m.%d %H:%M:%S", pattern: String.raw`\d\d\.\d\d ${CLOCK}`, toConfirm: NO_YEAR },
  { format: "%y/%m/%d %H:%M:%S", pattern: String.raw`\d\d\/\d\d\/\d\d ${CLOCK}`, toConfirm: NO_ZONE },
];

/** Forms that times have in fields of their own. */
export const FIELD_FORMS: readonly TimeForm[] = [
  ...TIME_FORMS,
  // Logs of a host that was upgraded to a syslog daemon that writes ISO 8601.
  {
    format: "syslog",
    pattern: String.raw`(?:[A-Z][a-z]{2} [ \d]\d |\d{4}-\d\d-\d\dT).*`,
    toConfirm: NO_YEAR,
  },
  {
    format: "[%d/%b/%Y:%H:%M:%S %z]",
    pattern: String.raw`\[\d\d\/[A-Z][a-z]{2}\/\d{4}:${CLOCK} [+\-]\d{4}\]`,
  },
  {
    format: "iso8601",
    pattern: String.raw`\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?:Z|[+\-]\d\d:?\d\d)?`,
    toConfirm: NO_ZONE,
  },
  {
    format: "%d/%m/%Y %H:%M",
    pattern: String.raw`\d{1,2}\/\d{1,2}\/\d{4} \d{1,2}:\d\d`,
    toConfirm: `${NO_ZONE}; ${DAY_FIRST}`,
  },
  { format: "%m/%d/%Y %H:%M", pattern: String.raw`\d{1,2}\/\d{1,2}\/\d{4} \d{1,2}:\d\d`, toConfirm: NO_ZONE },
  { format: "%d.%m.%Y %H:%M", pattern: String.raw`\d{1,2}\.\d{1,2}\.\d{4} \d{1,2}:\d\d`, toConfirm: NO_ZONE },
  {
    format: "%Y%m%d-%H:%M:%S:%L",
    pattern: String.raw`\d{8}-\d{1,2}:\d{1,2}:\d{1,2}:\d{1,3}`,
    toConfirm: NO_ZONE,
  },
];

/** Numbers are times where their field's name says so. */
export const EPOCH_FORMS: readonly TimeForm[] = [
  { format: "epoch-seconds" },
  { format: "epoch-millis" },
  { format: "epoch-micros" },
  { format: "epoch-nanos" },
];

/** What logs are about. */
const FIRST_MS = Date.UTC(1995, 0, 1);
const DAY_MS = 86_400_000;

/** The first form in which all values are instants that a log may be of. */
export function timeFormOf(values: readonly unknown[], forms: readonly TimeForm[]): TimeForm | undefined {
  if (values.length === 0) return undefined;
  const nowMs = Date.now();
  return forms.find(({ format, pattern }) => {
    const looksSo = pattern === undefined ? undefined : new RegExp(`^${pattern}$`, "v");
    const read = readTime(format);
    return values.every((value) => {
      if (looksSo && !(typeof value === "string" && looksSo.test(value))) return false;
      const instant = read(value, nowMs);
      return instant !== undefined && instant.epochMs > FIRST_MS && instant.epochMs < nowMs + 400 * DAY_MS;
    });
  });
}
