import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { importConfig } from "../../agent/command/import/import-config.ts";
import { importTypes } from "../../agent/command/import/types/import-types.ts";
import { loadConfig } from "../../lib/load-config.ts";

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "weir-types-"))));
afterAll(() => rm(directory, { recursive: true }));

/** Whatever stands on a line of a configuration, but for a quote or a bracket that would have to be closed. */
const value = fc.oneof(
  fc
    .string({ unit: "grapheme", maxLength: 12 })
    .map((text) => text.replaceAll(/[\n\r]/g, "").replace(/^\s*["'[{]/, "x")),
  fc.constantFrom(
    ..."constructor __proto__ oid time outer _time a:integer,b:time:%s %Y-%m-%d $.a.b ${tag} ${tag_parts[-1]} a,a ** true".split(
      " ",
    ),
    String.raw`/(?<a>.*)/`,
    "/[/",
    String.raw`/(?<a>(?<b>x)*)*y{2000}/`,
    '"#{Socket.gethostname}`${x}\u2028"',
  ),
);
const setting = (names: string) =>
  fc.tuple(fc.constantFrom(...names.split(" ")), value).map((pair) => pair.join(" "));
const settings = (names: string) => fc.array(setting(names), { maxLength: 6 }).map((all) => all.join("\n"));
const PARSERS =
  "json ltsv csv tsv regexp multiline syslog apache2 nginx apache_error none cri grok multi_format msgpack constructor";
const parser = fc
  .tuple(
    fc.constantFrom(...PARSERS.split(" ")),
    settings(
      "time_key time_format time_type keep_time_key timezone types null_value_pattern keys delimiter expression format1 " +
        "message_key message_format grok_pattern",
    ),
  )
  .map(([type, more]) => `<parse>\n@type ${type}\n${more}\n</parse>`);
const filter = fc.oneof(
  fc
    .tuple(settings("remove_keys renew_time_key renew_record"), settings("a b time _x message __proto__"))
    .map(([more, record]) => `@type record_transformer\n${more}\n<record>\n${record}\n</record>`),
  settings("key pattern").map((more) => `@type grep\n<exclude>\n${more}\n</exclude>`),
  fc
    .tuple(setting("key_name"), parser)
    .map(([key, parse]) => `@type parser\nreserve_data true\n${key}\n${parse}`),
);
const source = fc.oneof(
  parser.map((parse) => `@type tail\npath /a.log\ntag app\n${parse}`),
  fc.constant("@type forward"),
);

test("whatever a configuration says, what is written is a configuration of ours", async () => {
  let count = 0;
  const each = fc.tuple(
    source,
    fc.array(filter, { maxLength: 3 }),
    settings("redshift_tablename redshift_schemaname"),
  );
  await fc.assert(
    fc.asyncProperty(each, async ([source, filters, output]) => {
      const text = [
        `<source>\n${source}\n</source>`,
        ...filters.map((one) => `<filter **>\n${one}\n</filter>`),
        `<match **>\n@type redshift\n${output}\n</match>`,
      ].join("\n");
      const { imported } = importConfig(text, "/nowhere/fluent.conf", "logs");
      const { typescript } = await importTypes(imported, "/nowhere/fluent.conf", false);
      const file = join(directory, `${count++}.config.ts`);
      await writeFile(file, typescript!);
      expect((await loadConfig(file)).types).not.toEqual([]);
    }),
    { numRuns: 100 },
  );
});
