import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonLines, tomlLines } from "../../agent/config/setting-lines.ts";

test("every setting of a JSON text is on the line that it is on, however it is nested", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "b", ":", "{", '"', "\\", ",", "["), minLength: 1 });
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(1, "x", "a:b,{[", null),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.dictionary(name, tie("tree"), { maxKeys: 3 }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(name, tree, { minKeys: 1, maxKeys: 4 }), (value) => {
      const text = JSON.stringify(value, undefined, 1);
      const lineOf = jsonLines(text);
      const lines = text.split("\n");
      for (const key of Object.keys(value)) {
        // At the first level, keys have one space before them.
        const expected = lines.findIndex((line) => line.startsWith(` ${JSON.stringify(key)}: `)) + 1;
        expect([key, lineOf(key)]).toEqual([key, expected]);
      }
    }),
  );
});

test("elements of arrays are counted, and what is not there has no line", () => {
  const lineOf = jsonLines('{\n"flows": [\n{ "a": [1,\n{}] },\n{\n"b": "x,y" }\n]\n}');
  expect(["flows[0]", "flows[0].a", "flows[0].a[1]", "flows[1].b", "c"].map(lineOf)).toEqual([
    3,
    3,
    4,
    6,
    undefined,
  ]);
});

test("settings of TOML tables are on their lines", () => {
  const lineOf = tomlLines('a = 1\n[[Logs]]\nFile = "x"\n\n[[Logs]]\n  File = "y"\n[Monitor]\nPort = 1\n');
  const paths = ["a", "Logs[0]", "Logs[0].File", "Logs[1].File", "Monitor.Port", "Logs[2]"];
  expect(paths.map(lineOf)).toEqual([1, 2, 3, 6, 8, undefined]);
});
