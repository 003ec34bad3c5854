import { filler, type LineMaker } from "./line-maker.ts";
import type { Random } from "./random.ts";

/** What happens to photos, as JSON objects; `request_id`, `caption` and most of `exif` have no column. */

const ACTIONS = ["view", "view", "like", "upload", "share", "comment", "delete"];
const CAMERAS = ["NIKON Z 6_2", "Canon EOS R5", "iPhone 17 Pro", "富士フイルム X-T5", "", null];
const TAGS = ["cat", "dog", "sunset", "café", "雪", "🦊", 'naïve "quotes"', "back\\slash", "tab\there"];
const CAPTIONS = ["Lovely!", "Grüße aus Kyōto", "zero width", "line\nbreak", "𝒲𝑒𝒾𝓇"];

/** varchar(32) of `action`; a bigint's first number too large. */
const TOO_LONG_ACTION = "a".repeat(33);
const TOO_LARGE_ID = "9223372036854775808";
const LONG_CAPTION = 30_000;

export const photoLines: LineMaker = {
  type: "photo",
  line: (random, at) => JSON.stringify(photo(random, at)),
  bad: [
    { reason: "unparsed", line: (random, at) => JSON.stringify(photo(random, at)).slice(0, -1) },
    {
      reason: "missing",
      line: (random, at) => JSON.stringify({ ...photo(random, at), photo_id: undefined }),
    },
    { reason: "missing", line: (random, at) => JSON.stringify({ ...photo(random, at), action: null }) },
    { reason: "type", line: (random, at) => JSON.stringify({ ...photo(random, at), width: "wide" }) },
    { reason: "range", line: (random, at) => JSON.stringify({ ...photo(random, at), height: 2 ** 31 }) },
    {
      // Written by hand: a JSON number that no double holds.
      reason: "range",
      line: (random, at) =>
        JSON.stringify(photo(random, at)).replace(/"photo_id":\d+/, `"photo_id":${TOO_LARGE_ID}`),
    },
    {
      reason: "length",
      line: (random, at) => JSON.stringify({ ...photo(random, at), action: TOO_LONG_ACTION }),
    },
    { reason: "time", line: (random, at) => JSON.stringify({ ...photo(random, at), time: "yesterday" }) },
  ],
};

function photo(random: Random, at: Date): Record<string, unknown> {
  const landscape = random.chance(0.6);
  return {
    time: at.toISOString(),
    photo_id: 1_000_000_000 + random.below(2 ** 31),
    user_id: 1 + random.below(50_000),
    action: random.favour(ACTIONS),
    width: landscape ? 4_032 : 3_024,
    height: landscape ? 3_024 : 4_032,
    bytes: random.skewed(2_500_000),
    exif: {
      camera: random.favour(CAMERAS),
      iso: random.pick([64, 100, 400, 3_200]),
      flash: random.chance(0.1),
    },
    tags: Array.from({ length: random.below(4) }, () => random.pick(TAGS)),
    request_id: filler(random, 16),
    ...(random.chance(0.1) && { caption: random.pick(CAPTIONS) }),
    ...(random.chance(0.001) && { caption: filler(random, LONG_CAPTION) }),
  };
}
