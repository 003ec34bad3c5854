import { element, table } from "./elements.js";
import { grouped } from "./figures.js";
import { rejectList } from "./reject-view.js";

/** What opens from a log type: its counts, its latest rows, its columns, and why lines of it were rejected. */

const COUNTS = ["lines", "rows", "rejected", "filtered", "duplicates", "loaded"];
const COLUMNS = [{ name: "Column" }, { name: "Type" }, { name: "From" }];

export function openType(panel, type, snapshot) {
  panel.open(type, async ({ body, ask }) => {
    const counts = element("dl", { className: "counts" });
    showCounts(counts, snapshot.types[type]);
    body.replaceChildren(counts, element("p", { className: "quiet" }, "Asking for its latest rows …"));
    const about = await ask(`/type?name=${encodeURIComponent(type)}`);
    const rejects = snapshot.rejects.filter((reject) => reject.type === type);
    body.replaceChildren(
      counts,
      ...(await latestRows(about, ask)),
      ...(rejects.length === 0 ? [] : [element("h3", {}, "Rejected"), rejectList(panel, rejects)]),
      ...settings(about),
    );
    return ({ types }) => showCounts(counts, types[type]);
  });
}

/** Built once: whoever reads a number's meaning must not lose it to the next second. */
function showCounts(list, flow = {}) {
  if (list.children.length === 0) {
    for (const name of COUNTS) {
      const term = element(
        "button",
        { type: "button", term: name },
        name === "loaded" ? "in the warehouse" : name,
      );
      list.append(element("div", {}, element("dt", {}, term), element("dd", {}, "")));
    }
  }
  for (const [i, name] of COUNTS.entries()) {
    list.children[i].lastElementChild.textContent =
      name === "loaded" && flow.loaded === undefined ? "stays in S3" : grouped(flow[name] ?? 0);
  }
}

async function latestRows({ tables, lake, columns }, ask) {
  const types = Object.fromEntries(columns.map(({ name, type }) => [name, type]));
  const shown = [];
  for (const { warehouse, table: name, sql } of tables) {
    shown.push(
      element("h3", {}, `Latest rows in ${name}`),
      ...(await tableRows(warehouse, name, sql, types, ask)),
    );
  }
  if (lake)
    shown.push(
      element("h3", {}, "Latest rows in S3"),
      rowsTable(
        namesOf(lake.rows, columns),
        lake.rows.map((row) => JSON.parse(row)),
        types,
      ),
    );
  if (shown.length === 0) shown.push(element("p", { className: "quiet" }, "There are no rows of it so far."));
  return shown;
}

/** A table that the loader has not made yet is none to complain of. */
async function tableRows(warehouse, name, sql, types, ask) {
  try {
    const { columns, rows } = await ask("/sql", { warehouse, sql });
    if (rows.length === 0) return [element("p", { className: "quiet" }, "There are none so far.")];
    const order = ordered(columns.map(({ name }) => name));
    const heads = order.map((i) => ({
      name: columns[i].name,
      hint: types[columns[i].name] ?? columns[i].type,
    }));
    return [
      table(
        `Latest rows in ${name}`,
        heads,
        rows.map((row) => order.map((i) => row[i])),
      ),
    ];
  } catch (error) {
    return [element("p", { className: "quiet" }, error.message)];
  }
}

/** Columns of the type first: what Weir adds begins with an underscore, but event time is what people look for. */
function ordered(names) {
  const rank = (name) => (name === "_time" ? 0 : name.startsWith("_") ? 2 : 1);
  return names.map((_, i) => i).sort((a, b) => rank(names[a]) - rank(names[b]) || a - b);
}

function namesOf(rows, columns) {
  const names = new Set(["_time", ...columns.map(({ name }) => name)]);
  for (const row of rows) for (const name of Object.keys(JSON.parse(row))) names.add(name);
  return [...names];
}

function rowsTable(names, rows, types) {
  const heads = names.map((name) => ({ name, hint: types[name] ?? "" }));
  return table(
    "Latest rows",
    heads,
    rows.map((row) => names.map((name) => textOf(row[name]))),
  );
}

const textOf = (value) =>
  value === undefined || value === null
    ? null
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);

function settings({ columns, settings }) {
  if (columns.length === 0) return [];
  return [
    element("h3", {}, "Columns"),
    table(
      "Columns",
      COLUMNS,
      columns.map(({ name, type, from }) => [name, type, from]),
    ),
    element("h3", {}, "How its lines are read"),
    element("pre", { tabindex: "0" }, settings),
  ];
}
