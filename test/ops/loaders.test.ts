import { expect, test } from "vitest";
import { addressed, chosenLoaders, joinAnswers } from "../../ops/access/loaders.ts";

const LOADERS = new Map([
  ["main", "Loader-1"],
  ["bi", "BiLoader-1"],
]);

test("a command is for the loaders of all warehouses, or for that of the one that is named", () => {
  expect(chosenLoaders("stack Weir", LOADERS, undefined)).toEqual(LOADERS);
  expect([...chosenLoaders("stack Weir", LOADERS, "bi").values()]).toEqual(["BiLoader-1"]);
  expect(() => chosenLoaders("stack Weir", LOADERS, "b")).toThrow('stack Weir has no warehouse "b"');
  expect(() => chosenLoaders("stack Weir", new Map(), undefined)).toThrow("its rows stay in the lake");
});

test("a table is addressed by the name that it is printed with", () => {
  const reload = (table: string) => ({ command: "reload", table }) as const;
  expect(addressed(reload("bi/logs.photo"))).toEqual({ command: reload("logs.photo"), warehouse: "bi" });
  expect(addressed(reload("logs.photo"))).toEqual({ command: reload("logs.photo") });
  expect(addressed({ command: "status" })).toEqual({ command: { command: "status" } });
});

test("answers are one, with tables of several warehouses kept apart", () => {
  const tables = [{ table: "logs.photo" }];
  const answers = new Map([
    ["main", { ok: true, tables }],
    ["bi", { ok: true, tables }],
  ]);
  expect(joinAnswers(answers)).toEqual({
    ok: true,
    tables: [{ table: "logs.photo" }, { table: "bi/logs.photo" }],
  });
});
