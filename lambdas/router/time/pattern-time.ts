import { type Directive, parseTimePattern, type TimeToken } from "../../../wire/time-pattern.ts";
import { zoneOffsetMs } from "../../../wire/time-zone.ts";
import { wallMs } from "./civil.ts";
import { EPOCH_UNITS, parseEpoch } from "./epoch.ts";
import type { ReadTime } from "./event-time.ts";
import { fractionOf } from "./fraction.ts";
import { type Instant, instantOf } from "./instant.ts";
import { MONTH_NAME, monthNumber, WEEKDAY_NAME } from "./names.ts";
import { inLatestYear } from "./year.ts";
import type { Zone } from "./zone.ts";
import type { ZoneNames } from "./zone-names.ts";

/** What a text may hold in the place of each directive, as many characters as there are. Sticky. */
const TEXTS: Readonly<Record<Directive, RegExp>> = {
  Y: /\d{4}/y,
  y: /\d\d/y,
  m: /\d\d?/y,
  b: MONTH_NAME,
  d: /\d\d?/y,
  j: /\d{1,3}/y,
  a: WEEKDAY_NAME,
  H: /\d\d?/y,
  I: /\d\d?/y,
  p: /[AaPp]\.?[Mm]\.?/y,
  M: /\d\d?/y,
  S: /\d\d?/y,
  L: /\d{1,12}/y,
  z: /[Zz]|[+-]\d\d?(?::?\d\d)?/y,
  Z: /[A-Za-z][A-Za-z0-9_+/-]{0,63}/y,
  s: /-?\d{1,12}/y,
  Q: /-?\d{1,15}/y,
};
const SPACE = /[ \t]+/y;

const DAY_MS = 86_400_000;

type Texts = { [letter in Directive]?: string };

/**
 * Reads times of a pattern's form, the whole of a text or nothing of it.
 *
 * @param local zone of times that name none
 * @param names zones by what %Z finds
 * @throws TypeError for a pattern that configurations may not have
 */
export function readPattern(pattern: string, local: Zone, names: ZoneNames): ReadTime {
  const tokens = parseTimePattern(pattern);
  return (value, arrivedAtMs) => {
    const texts = typeof value === "string" ? match(tokens, value) : undefined;
    return texts && instantIn(texts, arrivedAtMs, local, names);
  };
}

function match(tokens: readonly TimeToken[], text: string): Texts | undefined {
  const found: Texts = {};
  let at = 0;
  for (const token of tokens) {
    const end =
      token.kind === "text"
        ? text.startsWith(token.text, at) && at + token.text.length
        : endOf(token.kind === "space" ? SPACE : TEXTS[token.letter], text, at);
    if (end === false) return undefined;
    if (token.kind === "directive") found[token.letter] = text.slice(at, end);
    at = end;
  }
  return at === text.length ? found : undefined;
}

function endOf(form: RegExp, text: string, at: number): number | false {
  form.lastIndex = at;
  return form.test(text) && form.lastIndex;
}

function instantIn(texts: Texts, arrivedAtMs: number, local: Zone, names: ZoneNames): Instant | undefined {
  const { ms, micros } = fractionOf(texts.L ?? "");
  if (texts.s !== undefined) return parseEpoch(`${texts.s}.${texts.L ?? "0"}`, EPOCH_UNITS.seconds);
  if (texts.Q !== undefined) return parseEpoch(texts.Q, EPOCH_UNITS.millis);
  const zone = texts.z === undefined && texts.Z === undefined ? local : zoneIn(texts, names);
  const hour = hourIn(texts);
  const [minute, second] = [Number(texts.M ?? 0), Number(texts.S ?? 0)];
  if (!zone || second > 60 || (hour === 24 && second + ms + micros > 0)) return undefined;
  const at = (year: number): number =>
    zone(dayMs(texts, year, hour, minute), arrivedAtMs) + second * 1_000 + ms;
  const year = yearIn(texts);
  const epochMs = year === undefined ? inLatestYear(arrivedAtMs, at) : at(year);
  return epochMs === undefined ? undefined : instantOf(epochMs, micros);
}

/** The wall's, in ms as if it were UTC. */
function dayMs({ m, b, d, j }: Texts, year: number, hour: number, minute: number): number {
  if (j === undefined)
    return wallMs(year, b === undefined ? Number(m) : monthNumber(b), Number(d), hour, minute);
  const days = Number.isNaN(wallMs(year, 2, 29, 0, 0)) ? 365 : 366;
  const isIn = Number(j) >= 1 && Number(j) <= days;
  return isIn ? wallMs(year, 1, 1, hour, minute) + (Number(j) - 1) * DAY_MS : NaN;
}

/** source of the pivot: POSIX, strptime */
function yearIn({ Y, y }: Texts): number | undefined {
  if (y !== undefined) return Number(y) + (Number(y) < 69 ? 2_000 : 1_900);
  return Y === undefined ? undefined : Number(Y);
}

/** NaN for an hour of 12 that is none. */
function hourIn({ H, I, p }: Texts): number {
  if (I === undefined) return Number(H ?? 0);
  const hour = Number(I);
  return hour < 1 || hour > 12 ? NaN : (hour % 12) + (/^p/i.test(p!) ? 12 : 0);
}

function zoneIn({ z, Z }: Texts, names: ZoneNames): Zone | undefined {
  if (z === undefined) return names.zone(Z!);
  const offsetMs = zoneOffsetMs(z);
  return offsetMs === undefined ? undefined : (wallMs) => wallMs - offsetMs;
}
