import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultText } from "../../lambdas/router/column/column-writer.ts";
import { Router } from "../../lambdas/router/router.ts";
import { FUNCTIONS } from "../../wire/expression/functions.ts";
import { defaultProblem } from "../../wire/column-default.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { aggregate, configOf, rejectsOf, rowsOf, streamRecord } from "./batch-fixture.ts";

type TypeInput = WeirConfigInput["types"][number];
type ColumnInput = TypeInput["columns"][number];

const SETTINGS: Partial<WeirConfigInput> = {
  hashSalt: "a salt of 16 characters",
  tables: {
    team: { entries: { "/api": "core", "/shop": "sales" }, default: "none" },
    rate: { entries: { eur: 1.1, usd: 1 } },
  },
};

function routed(type: Omit<TypeInput, "name">, lines: readonly string[], more: TypeInput[] = []) {
  const router = new Router(configOf([{ name: "t", ...type }, ...more], SETTINGS));
  return router.route([streamRecord(aggregate(lines.map((data) => ({ tag: "t", data }))))]);
}

/** What an expression gives for a line of JSON, in a column of SUPER. */
function valueOf(value: string, line: object, column: Partial<ColumnInput> = {}): unknown {
  const data = JSON.stringify(line).replace(/}$/, ',"beyond":1e400}');
  const found = routed(
    {
      parse: { format: "json" },
      remove: ["beyond"],
      columns: [{ name: "c", type: "super", value, ...column }],
    },
    [data],
  );
  expect(rejectsOf(found)).toEqual([]);
  return rowsOf(found)[0]!["c"];
}

describe("an expression", () => {
  const LINE = {
    took: 7,
    status: "502",
    user: { id: 7, mail: "jane@example.com" },
    "id.orig_h": "10.1.2.3",
    "http-host": "a.example",
    type: "x",
    tags: ["a", "b"],
    url: "https://a.example/p?a=1&utm_source=news%20letter+1&b#f",
    none: null,
    big: "12345678901234567890",
  };
  test.each<[string, unknown]>([
    ["took / 2", 3.5],
    ["took * 2 - 1", 13],
    ["-took % 4", -3],
    ["int(status) >= 500", true],
    ["took > 5 ? 'slow' : \"fast\"", "slow"],
    ["status + '!'", "502!"],
    ["user.id", 7],
    ["user.mail.endsWith('@example.com')", true],
    ["id.orig_h", "10.1.2.3"],
    ['field("http-host")', "a.example"],
    ["type", "x"],
    ["has(user.name)", false],
    ["has(nobody.at.all) || has(took)", true],
    ["none == null", true],
    ["nobody == null", true],
    ["none == null ? 'anon' : none", "anon"],
    ["'a' in tags", true],
    ["took in [1, 7]", true],
    ["status in ['200', '302']", false],
    ["tags.exists(t, t == 'b')", true],
    ["tags.all(t, t.startsWith('a'))", false],
    ["tags[1]", "b"],
    ["user['id']", 7],
    ["tags.join('-')", "a-b"],
    ["size(tags) + size(status)", 5],
    ["url.split('/')[2]", "a.example"],
    ["query(url, 'utm_source')", "news letter 1"],
    ["query(url, 'b')", ""],
    ["has(query(url, 'c'))", false],
    ["maskIp('203.0.113.9')", "203.0.113.0"],
    ["maskIp('2001:db8:85a3::8a2e:370:7334')", "2001:db8:85a3::"],
    ["maskIp('::ffff:203.0.113.9')", "::ffff:203.0.113.0"],
    ["maskIp('::1')", "0:0:0::"],
    ["maskIp('fe80::1%eth0')", "fe80:0:0::"],
    ["maskEmail(user.mail)", "***@example.com"],
    ["maskButLast(big, 4)", "****************7890"],
    ["maskButLast('ab', 4)", "**"],
    ["hash(user.mail)", "1ee1ac1c6b1ed5a7e8f1e3d1d1d6ce62"],
    ["lookup('team', '/api')", "core"],
    ["lookup('team', '/other')", "none"],
    ["lookup('team', '/other', 'else')", "else"],
    ["lookup('rate', 'eur') * 10", 11],
    ["has(lookup('rate', 'gbp'))", false],
    [
      "userAgent('Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0', 'browser')",
      "Firefox",
    ],
    ["userAgent('Mozilla/5.0 (compatible; Googlebot/2.1)', 'device')", "bot"],
    ["has(userAgent('curl/8', 'browser'))", false],
    ["round(took / 3, 2)", 2.33],
    ["round(-2.5)", -3],
    ["int('1.9') + int(2.9)", 3],
    ["double('1e3')", 1000],
    ["string(took) + string(true)", "7true"],
    ["'ÄB'.lower() + 'äb'.upper()", "äbÄB"],
    ["' x '.trim()", "x"],
    ["'abcdef'.substring(2, 4) + 'ab'.substring(0, 9)", "cdab"],
    ["'a😀b'.substring(0, 2)", "a"],
    ["'a.b.c'.replace('.', '$&')", "a$&b$&c"],
    ["url.matches('^https://[^/]+/p')", true],
    ["url.extract('^https://([^/]+)')", "a.example"],
    ["_tag + ' ' + _host + ' ' + _path", "t web-1 /var/log/access.log"],
    ["_line.startsWith('{')", true],
    ["_arrived_at", "2026-11-21T10:00:00.250Z"],
    ["_arrived_at - _time", 0],
    ["getHours(_arrived_at)", 10],
    ["epoch(_arrived_at)", 1_795_255_200.25],
    ["nobody.startsWith('a') || took == 7", true],
    ["nobody.startsWith('a') && took == 0", false],
  ])("%s", (value, expected) => {
    const found = valueOf(value, LINE);
    expect(value.startsWith("hash") ? (found as string).length : found).toEqual(
      value.startsWith("hash") ? 64 : expected,
    );
  });

  test.each([
    "took / 0",
    "took % 0",
    "nobody + 1",
    "status - 1",
    "status > 5",
    "tags[2]",
    "tags[-1]",
    "user.mail.nobody",
    "user['constructor']",
    "toString",
    "int('x')",
    "int(big)",
    "double('1e999')",
    "tags == tags",
    "nobody ? 1 : 2",
    "nobody && true",
    "!took",
    "1e308 * 10",
    "took.split(',')",
    "'a'.split('')",
    "tags.exists(t, t)",
    "user.exists(t, t == 1)",
    "lookup('rate', 'gbp') + 1",
    "maskEmail('nobody')",
    "maskIp('1.2.3')",
    "abs(beyond)",
    "beyond * 0",
  ])("%s has no value for the line, which has its row all the same", (value) => {
    expect(valueOf(value, LINE)).toBeUndefined();
    expect(valueOf(value, LINE, { default: "none" })).toBe("none");
  });
});

describe("a configuration is refused", () => {
  const ACCESS = { format: "combined" } as const;
  const problem = (
    column: Partial<ColumnInput>,
    parse: TypeInput["parse"] = ACCESS,
    rest: Partial<TypeInput> = {},
  ) => {
    const columns = [{ name: "c", type: "varchar(99)", ...column }];
    try {
      configOf(
        [
          { name: "t", parse, columns, ...rest },
          { name: "other", parse, columns: [{ name: "c", type: "super" }] },
        ],
        SETTINGS,
      );
      return undefined;
    } catch (error) {
      return (error as Error).message.split("\n").slice(1).join("\n").trim();
    }
  };

  test.each([
    ["statsu == '500'", 'no field "statsu" in this format, but "status", at character 1'],
    [
      "status >= 500",
      ">= has no meaning between a text and a number: int(...) and double(...) make numbers of texts, string(...) texts of numbers, at character 8",
    ],
    ["path.startWith('/')", "no function startWith(), but startsWith(), at character 6"],
    ["path.startsWith(1)", "sought of startsWith() is a text, not a number, at character 17"],
    ["path.startsWith()", "startsWith(text, sought) has 1 arguments here, at character 6"],
    ["path.matches(agent)", "pattern of matches() has to be a constant, at character 14"],
    ["path.matches('(')", "Invalid regular expression: /(/v: Unterminated group, at character 6"],
    [
      "path.matches('a(?=b)')",
      'a lookahead, "(?=b)" at character 2, cannot be matched in linear time, at character 6',
    ],
    ["path.matches('(a*)*b')", "what may be empty, repeated"],
    ["lookup('teams', path)", 'no table "teams", but "team", at character 1'],
    ["userAgent(agent, 'os_version')", 'no part "os_version" of a user agent'],
    ["path + ", "a value expected, and it ends, at character 8"],
    ["path path", 'an operator or the end expected, not "path", at character 6'],
    ["path & path", '"&" means nothing here, at character 6'],
    ["'path", "a text without its second ', at character 1"],
    [String.raw`'\d'`, String.raw`\d is no escape; r"..." takes backslashes as they are, at character 1`],
    [
      "path.split('/').exists(p, p == host)",
      'in exists() only p and constants may stand, not "host": it is asked of each item, at character 32',
    ],
    [
      "path.split('/').exists(p, p.split('').exists(q, q == p))",
      'in exists() only q and constants may stand, not "p"',
    ],
    [
      "path.split('/').exists(p, hash(p) == 'x')",
      "hash() costs too much to be asked of each item of a list, at character 27",
    ],
    ["path.user", 'no field "path.user" in this format'],
    ["status ? 'a' : 'b'", "before ? there has to be a condition, not a text, at character 1"],
    ["status && true", "beside && there has to be a condition, not a text"],
    ["status in [200]", "in has no meaning between a text and a number"],
    ["path in '/a/b'", "behind in there has to be a list, not a text"],
    ["!path", "! has no meaning for a text, at character 1"],
    ["path.split('/')", "it is a list, no value for varchar(99)"],
    ["field(path)", 'field("...") takes the name of a field, as a text, at character 1'],
    [`${"(".repeat(70)}path${")".repeat(70)}`, "nested more than 64 deep"],
    ["eval('1')", "no function eval()"],
    ["constructor.constructor('1')", "no function constructor()"],
  ])("for %s", (value, message) => {
    expect(problem({ value })).toContain(`types[0].columns[0].value: ${message}`);
  });

  test("where a value never fits its column, or a default does not", () => {
    expect(problem({ type: "integer", value: "path == '/'" })).toBe(
      "types[0].columns[0].value: it is true or false, no value for integer",
    );
    expect(problem({ type: "timestamp", value: "int(status)" })).toContain(
      "it is a number, no value for timestamp",
    );
    expect(
      problem({ type: "timestamp", value: "int(status)", time: { format: "epoch-seconds" } }),
    ).toBeUndefined();
    expect(problem({ type: "boolean", value: "_time" })).toContain("it is a time, no value for boolean");
    expect(problem({ value: "lookup('rate', path)", type: "date" })).toContain(
      "it is a number, no value for date",
    );
    expect(problem({ type: "varchar(3)", default: "none" })).toBe(
      'types[0].columns[0].default: "none" is no varchar(3)',
    );
    for (const type of ["smallint", "decimal(5,2)", "boolean", "timestamp"])
      expect(problem({ type, default: "x" })).toContain(`"x" is no ${type}`);
    expect(problem({ type: "smallint", default: 40_000 })).toContain("40000 is no smallint");
  });

  test("where a column has two sources, or keeps a field that it has not", () => {
    expect(problem({ field: "path", value: "path" })).toContain(
      "from a field or by an expression, not from both",
    );
    expect(problem({ value: "path", onMisfit: "extra" })).toContain(
      "keeps the field that a column is filled from",
    );
  });

  test("where classes overlap, are turned round or are no texts", () => {
    expect(problem({ field: "bytes", classes: { a: ["*", 10], b: [9, "*"] } })).toContain(
      'classes.b: overlaps "a"',
    );
    expect(problem({ field: "bytes", classes: { a: [10, 10] } })).toContain(
      "classes.a: from has to be below to",
    );
    expect(problem({ field: "bytes", type: "integer", classes: { a: ["*", "*"] } })).toContain(
      "classes are texts, not integer",
    );
    expect(problem({ value: "path == ''", classes: { a: ["*", "*"] } })).toContain(
      "it is true or false, classes are of numbers",
    );
  });

  test("where a rule is no condition, copies to no other type, or removes no field", () => {
    const rule = (rest: Partial<TypeInput>) => problem({ field: "path" }, ACCESS, rest);
    expect(rule({ drop: "path" })).toBe("types[0].drop: it is a text, not a condition");
    expect(rule({ drop: "path == 1" })).toContain(
      "types[0].drop: == has no meaning between a text and a number",
    );
    expect(rule({ copy: [{ to: "other", when: "nobody" }] })).toContain(
      'types[0].copy[0].when: no field "nobody"',
    );
    expect(rule({ remove: ["agent", "usr"] })).toBe(
      'types[0].remove[1]: no field "usr" in this format, but "user"',
    );
    expect(rule({ copy: [{ to: "t" }] })).toBe("types[0].copy[0].to: the type itself");
    expect(rule({ copy: [{ to: "nobody" }] })).toBe('types[0].copy[0].to: no type "nobody"');
    expect(rule({ copy: [{ to: "other" }, { to: "other" }] })).toBe('types[0].copy[1].to: "other" twice');
  });

  test("where hash() has no salt, and where tables are too large", () => {
    const type = {
      name: "t",
      parse: { format: "json" },
      columns: [{ name: "c", type: "super", value: "hash(a)" }],
    } as const;
    expect(() => configOf([type as unknown as TypeInput])).toThrow(
      "columns[0].value: hash() needs hashSalt in the configuration",
    );
    const entries = Object.fromEntries(Array.from({ length: 100_001 }, (_, i) => [`${i}`, 1]));
    expect(() =>
      configOf([{ ...type, columns: [{ name: "c", type: "super" }] }], { tables: { large: { entries } } }),
    ).toThrow("tables: 100001 entries");
  });

  test("by what formats know of their fields", () => {
    const known = (parse: TypeInput["parse"], value: string) => problem({ value }, parse);
    expect(known({ format: "regex", pattern: String.raw`(?<a>\(\?<b>)` }, "b")).toContain('no field "b"');
    expect(known({ format: "csv", fields: ["a"] }, "b")).toContain('no field "b"');
    expect(known({ format: "csv", fields: ["a"] }, "more[0]")).toContain('no field "more"');
    expect(known({ format: "csv", fields: ["a"], more: "extra" }, "more[0]")).toBeUndefined();
    expect(known({ format: "rfc5424" }, "structured_data.app.id + string(severity + 1)")).toBeUndefined();
    expect(known({ format: "ltsv" }, "took > 1")).toContain("> has no meaning between a text and a number");
    expect(known({ format: "ltsv" }, "anything")).toBeUndefined();
    expect(known({ format: "combined", from: "log" }, "stream + status")).toBeUndefined();
    expect(known({ format: "combined", from: { format: "cri", field: "message" } }, "sream")).toContain(
      'but "stream"',
    );
    expect(known({ format: "any", of: [{ format: "combined" }, { format: "raw" }] }, "line")).toBeUndefined();
    expect(known({ format: "any", of: [{ format: "combined" }, { format: "raw" }] }, "took")).toContain(
      'no field "took"',
    );
    expect(
      known({ format: "any", of: [{ format: "combined" }, { format: "json" }] }, "status > 1"),
    ).toBeUndefined();
    expect(known({ format: "cloudfront" }, "int(sc_status)")).toBeUndefined();
  });
});

test("a default that the configuration may have is one that the router writes", () => {
  const types =
    "smallint integer bigint real|double precision|decimal(5,2) decimal(38,10) boolean date timestamp timestamptz varchar(5) char(3) super";
  const type = fc.constantFrom(
    ...types.split("|").flatMap((names, i) => (i === 1 ? [names] : names.split(" "))),
  );
  const value = fc.oneof(
    fc.string({ unit: "binary", maxLength: 6 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(
      "2026-02-30",
      "2026-02-01",
      "2026-02-01T10:00:00Z",
      "2026-02-01 25:00:00",
      "0000-01-01",
      "9999-12-31T23:59:59-01:00",
      "2026-02-01T10:00:60Z",
      "\\N",
      "\ud800",
      "\0",
      "é",
      32_768,
      999.994,
      1_000,
      1e-40,
    ),
  );
  fc.assert(
    fc.property(type, value, (type, value) => {
      if (defaultProblem(type, value) !== undefined) return;
      expect(typeof defaultText({ name: "c", type, nullable: true, default: value })).toBe("string");
    }),
    { numRuns: 2_000 },
  );
});

test("whatever a line holds, a function of it has a value or has none, and the lines beside it their rows", () => {
  const constants: Readonly<Record<string, string>> = {
    pattern: "'^a+(b|c)'",
    table: "'team'",
    name: "'a'",
    part: "'os'",
    digits: "2",
    otherwise: "1",
  };
  const types = [
    "integer",
    "double precision",
    "decimal(9,2)",
    "boolean",
    "timestamp",
    "varchar(9)",
    "super",
  ];
  const call = fc.constantFrom(...Object.entries(FUNCTIONS)).chain(([name, { parameters }]) =>
    fc
      .array(fc.constantFrom("a", "b", "a.b", "_line", "-1", "1e300", "'a=1&b'"), {
        minLength: 3,
        maxLength: 3,
      })
      .map(
        (args) =>
          `${name}(${parameters.map(({ name, constant }, i) => (constant ? constants[name] : args[i])).join(", ")})`,
      ),
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom("2001:db8::1", "a@b", "x".repeat(70_000), 1e300, -0, "?a=%zz&a"),
  );
  const line = fc
    .record({ a: value, b: value })
    .map((fields) => JSON.stringify(fields).replace('"b":1e+300', '"b":1e400'));
  fc.assert(
    fc.property(
      call,
      fc.constantFrom(...types),
      fc.array(line, { minLength: 1, maxLength: 4 }),
      (value, type, lines) => {
        const columns = [
          { name: "c", type: "super", value },
          { name: "d", value, type },
        ];
        let found;
        try {
          found = routed({ parse: { format: "json" }, columns }, lines);
        } catch (error) {
          expect((error as Error).name).toBe("ConfigError");
          return;
        }
        const { lines: all, rows, rejected } = found.commit.types["t"]!;
        expect(all).toBe(rows + rejected);
        expect(rowsOf(found)).toHaveLength(rows);
        for (const { reason } of rejectsOf(found)) expect(["length", "type", "range"]).toContain(reason);
      },
    ),
    { numRuns: 200 },
  );
});
