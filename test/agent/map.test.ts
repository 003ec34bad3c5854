import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** The agent's folder and its map in docs/agent-internals.md say the same. */

const AGENT = fileURLToPath(new URL("../../agent/", import.meta.url));
const MAP = readFileSync(new URL("../../docs/agent-internals.md", import.meta.url), "utf8");

const files = readdirSync(AGENT, { recursive: true, encoding: "utf8" }).filter((path) =>
  path.endsWith(".ts"),
);
const room = (file: string): string => (dirname(file) === "." ? "" : `${dirname(file)}/`);

/** Rooms in the order of the map, and the files that it names in each. */
const rooms = MAP.slice(MAP.indexOf("## The rooms"))
  .split("\n### ")
  .slice(1)
  .map((section) => {
    const [title = "", ...text] = section.split("\n");
    const named = Array.from(text.join("\n").matchAll(/`([\w-]+\.ts)`/g), ([, name]) => name!);
    return { path: title === "At the top" ? "" : title, named };
  });

/** A room whose files are named after what they read, which the map says of all of them. */
const NAMED_TOGETHER = "command/import/";

test("the map names every room and every file, once", () => {
  expect(rooms.map(({ path }) => path).sort()).toEqual(
    [...new Set(files.map(room))].filter((path) => !isWithinImport(path)).sort(),
  );
  for (const { path, named } of rooms) {
    if (path === NAMED_TOGETHER) continue;
    const there = files.filter((file) => room(file) === path).map((file) => file.slice(path.length));
    expect({ path, named: named.toSorted() }).toEqual({ path, named: there.toSorted() });
  }
});

test("a room imports rooms below it in the map, and none above", () => {
  const order = new Map(rooms.map(({ path }, i) => [path, i]));
  const upward = files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => order.get(mapped(file))! > order.get(mapped(imported))!)
      .map((imported) => `${file} imports ${imported}`),
  );
  expect(upward).toEqual([]);
});

test("no files import one another in a circle", () => {
  const imports = new Map(files.map((file) => [file, importsOf(file)]));
  const done = new Set<string>();
  const circle = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of imports.get(file) ?? []) {
      const found = circle(next, [...path, file]);
      if (found) return found;
    }
    done.add(file);
    return undefined;
  };
  for (const file of files) expect(circle(file, []) ?? [], file).toEqual([]);
});

function isWithinImport(path: string): boolean {
  return path.startsWith(NAMED_TOGETHER) && path !== NAMED_TOGETHER;
}

function mapped(file: string): string {
  return isWithinImport(room(file)) ? NAMED_TOGETHER : room(file);
}

/** Files of the agent that one imports, types included. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(AGENT, file), "utf8");
  const paths = Array.from(text.matchAll(/(?:\bfrom |\bimport\()"(\.[^"]+\.ts)"/g), ([, path]) => path!);
  return paths
    .map((path) => normalize(join(AGENT, dirname(file), path)))
    .filter((path) => path.startsWith(AGENT))
    .map((path) => relative(AGENT, path));
}
