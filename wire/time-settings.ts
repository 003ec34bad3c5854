import * as z from "zod";
import { didYouMean } from "./closest.ts";
import { DIRECTIVES_TEXT, parseTimePattern } from "./time-pattern.ts";
import { isTimeZone } from "./time-zone.ts";

const TIME_PRESETS = [
  "iso8601",
  "clf",
  "syslog",
  "epoch-seconds",
  "epoch-millis",
  "epoch-micros",
  "epoch-nanos",
  "epoch",
] as const;

const timeFormat = z
  .string()
  .superRefine((format, context) => {
    if ((TIME_PRESETS as readonly string[]).includes(format)) return;
    try {
      parseTimePattern(format);
    } catch (error) {
      const presets = didYouMean(format, TIME_PRESETS) || `; or one of ${TIME_PRESETS.join(", ")}`;
      context.addIssue({ code: "custom", message: (error as Error).message + presets });
    }
  })
  .meta({
    description:
      "`iso8601`; `clf` is 10/Oct/2000:13:55:36 -0700; `syslog` is Oct 10 13:55:36, or `iso8601`; `epoch-seconds`, " +
      "`epoch-millis`, `epoch-micros` and `epoch-nanos` count from 1970, with a fraction or without, and `epoch` takes the unit from " +
      "the number of digits: up to 11 are seconds, up to 14 milliseconds, up to 17 microseconds, more nanoseconds. " +
      `Anything else is a pattern of strptime: ${DIRECTIVES_TEXT}. A time without a year is of the latest year that ` +
      "does not put it more than a day after its arrival",
  });

const zoneName = z.string().refine(isTimeZone, {
  error: ({ input }) => {
    const near = didYouMean(String(input), ["UTC", ...Intl.supportedValuesOf("timeZone")]);
    return `not a zone${near || ': use "UTC", an offset such as "+09:00", or a name such as "Europe/Berlin"'}`;
  },
});

/** How a text or number becomes an instant: of a type's event time, and of columns. */
export const timeSettings = {
  format: timeFormat,
  zone: zoneName.optional().meta({
    description:
      'zone of times that name none: "UTC" if absent, an offset such as "+09:00", or an IANA name such as ' +
      '"Europe/Berlin". An hour that comes twice, when clocks are put back, is the latest one that is not after ' +
      "arrival; one that never comes counts on from the hour before",
  }),
  abbreviations: z.record(z.string().min(1), zoneName).optional().meta({
    description:
      "zones of abbreviations that %Z finds, for those that mean several, such as BST, IST, or CST in China",
  }),
} as const;
