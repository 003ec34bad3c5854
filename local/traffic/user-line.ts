import { filler, type LineMaker } from "./line-maker.ts";
import type { Random } from "./random.ts";

/** What users do, as labelled tab-separated values; `session` has no column. */

const EVENTS = ["page_view", "page_view", "login", "logout", "search", "purchase", "sign_up"];
const COUNTRIES = ["US", "JP", "DE", "IN", "BR", "FR", "GB", "NG", "ID", "MX", ""];
const REFERRERS = [
  "",
  "https://news.example/",
  "https://検索.example/?q=%E5%86%99%E7%9C%9F",
  "android-app://com.example",
];

/** varchar(2048) of `referrer`, and a decimal(12,2)'s first number too large. */
const LONG_REFERRER = 1_900;
const TOO_LARGE_AMOUNT = "10000000000.00";

export const userLines: LineMaker = {
  type: "user",
  line: (random, at) => ltsv(user(random, at)),
  bad: [
    { reason: "unparsed", line: (random) => `Traceback (most recent call last) ${random.below(1_000)}` },
    { reason: "missing", line: (random, at) => ltsv({ ...user(random, at), event: undefined }) },
    { reason: "type", line: (random, at) => ltsv({ ...user(random, at), user_id: "anonymous" }) },
    { reason: "range", line: (random, at) => ltsv({ ...user(random, at), amount: TOO_LARGE_AMOUNT }) },
    { reason: "length", line: (random, at) => ltsv({ ...user(random, at), country: "JPN" }) },
    { reason: "time", line: (random, at) => ltsv({ ...user(random, at), time: undefined }) },
  ],
};

function ltsv(fields: Record<string, string | number | undefined>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([label, value]) => `${label}:${value}`)
    .join("\t");
}

function user(random: Random, at: Date): Record<string, string | number | undefined> {
  const event = random.favour(EVENTS);
  return {
    time: at.getTime(),
    user_id: 1 + random.below(50_000),
    event,
    country: random.favour(COUNTRIES),
    amount: event === "purchase" ? (random.skewed(2_500) / 100).toFixed(2) : undefined,
    referrer: random.chance(0.001)
      ? `https://example.com/?${filler(random, LONG_REFERRER)}`
      : random.favour(REFERRERS),
    session: filler(random, 22),
  };
}
