import { filler, type LineMaker } from "./line-maker.ts";
import type { Random } from "./random.ts";

/** Web server lines in Apache's combined format. */

const USERS = ["-", "-", "-", "-", "-", "-", "frank", "alice", "søren", "ユーザー"];
const METHODS = ["GET", "GET", "GET", "GET", "GET", "GET", "POST", "HEAD", "PUT", "DELETE"];
const PROTOCOLS = ["HTTP/1.1", "HTTP/2.0", "HTTP/1.0"];
const STATUSES = [200, 200, 200, 200, 200, 200, 200, 304, 301, 302, 404, 403, 401, 500, 502, 503];
const PATHS = [
  "/",
  "/photos",
  "/photos/new",
  "/albums",
  "/search",
  "/login",
  "/api/v2/feed",
  "/static/app.js",
];
const REFERERS = [
  "-",
  "-",
  "https://example.com/",
  "https://www.example.org/photos?page=2",
  "https://例え.jp/写真",
  "",
];
const AGENTS = [
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:145.0) Gecko/20100101 Firefox/145.0",
  "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
  "curl/8.17.0",
  "-",
  String.raw`quoted \"agent\" \\ 1.0`,
];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** What is not HTTP at all: a time-out, a TLS greeting to the plain port. */
const NO_REQUESTS = ["-", String.raw`\x16\x03\x01\x02`];

/** varchar(8192) of `path`, and lines long enough to matter that still fit it. */
const TOO_LONG_PATH = 9_000;
const LONG_PATH = 7_500;

export const accessLines: LineMaker = {
  type: "access",
  line: (random, at) => combined(random, { time: clf(at) }),
  bad: [
    { reason: "unparsed", line: (random, at) => combined(random, { time: clf(at) }).slice(0, 40) },
    { reason: "unparsed", line: (random) => `[notice] worker process ${random.below(65_536)} exited` },
    {
      reason: "range",
      line: (random, at) => combined(random, { time: clf(at), bytes: "9223372036854775808" }),
    },
    {
      reason: "length",
      line: (random, at) => combined(random, { time: clf(at), path: `/${filler(random, TOO_LONG_PATH)}` }),
    },
    { reason: "range", line: (random, at) => combined(random, { time: clf(at), status: "99999" }) },
    { reason: "type", line: (random, at) => combined(random, { time: clf(at), status: "OK" }) },
    { reason: "missing", line: (random, at) => combined(random, { time: clf(at), status: "-" }) },
    { reason: "time", line: (random) => combined(random, { time: "31/Feb/2026:25:61:00 +0000" }) },
  ],
};

/** 10/Oct/2000:13:55:36 +0000 */
function clf(at: Date): string {
  const [date, month, year] = [at.getUTCDate(), MONTHS[at.getUTCMonth()], at.getUTCFullYear()];
  return `${String(date).padStart(2, "0")}/${month}/${year}:${at.toISOString().slice(11, 19)} +0000`;
}

function combined(
  random: Random,
  fields: { time: string; path?: string; bytes?: string; status?: string },
): string {
  const host = random.chance(0.05)
    ? `2001:db8::${random.below(65_536).toString(16)}`
    : `203.0.${random.below(114)}.${random.below(256)}`;
  const request =
    fields.path === undefined && random.chance(0.002)
      ? random.pick(NO_REQUESTS)
      : `${random.favour(METHODS)} ${fields.path ?? requestPath(random)} ${random.favour(PROTOCOLS)}`;
  const status = fields.status ?? random.favour(STATUSES);
  const bytes = fields.bytes ?? (status === 304 ? "-" : random.skewed(3_000));
  const referer = random.favour(REFERERS);
  const agent = random.favour(AGENTS);
  return `${host} - ${random.pick(USERS)} [${fields.time}] "${request}" ${status} ${bytes} "${referer}" "${agent}"`;
}

function requestPath(random: Random): string {
  if (random.chance(0.001)) return `/search?q=${filler(random, LONG_PATH)}`;
  const path = random.favour(PATHS);
  if (random.chance(0.5)) return path;
  return `${path}?id=${random.below(1_000_000)}&tag=${random.pick(["caf%C3%A9", "写真", "a+b", ""])}`;
}
