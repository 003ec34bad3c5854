import { button, element, setText } from "./elements.js";
import { grouped } from "./figures.js";

/** The table of types. */

const CELLS = ["lines", "rows", "rejected", "filtered", "duplicates"];
/** What stands before a number where the table is as narrow as a telephone. */
const LABELS = { loaded: "in the warehouse" };

/** @param open shows a type */
export function showLedger(body, snapshot, types, open) {
  for (const [i, type] of types.entries()) {
    const row = body.rows[i] ?? addRow(body, type, i, open);
    const flow = snapshot.types[type];
    if (!flow) continue;
    for (const [j, key] of CELLS.entries()) {
      const cell = row.cells[j + 1];
      setText(cell, grouped(flow[key]));
      cell.className = `${key}${flow[key] === 0 ? " zero" : ""}`;
    }
    const loaded = row.cells[CELLS.length + 1];
    setText(loaded, flow.loaded === undefined ? "stays in S3" : grouped(flow.loaded));
    loaded.className = flow.loaded === flow.rows && flow.rows > 0 ? "all-loaded" : "";
  }
}

/** Rows are laid out in other ways where there is little room: they say what they are. */
function addRow(body, type, i, open) {
  const row = body.insertRow();
  row.className = `series-${i % 6}`;
  row.role = "row";
  row.append(
    element(
      "th",
      { scope: "row", role: "rowheader" },
      button(() => open(type), {}, type),
    ),
  );
  for (const key of [...CELLS, "loaded"]) {
    row.append(element("td", { role: "cell", term: key, "data-label": LABELS[key] ?? key }, "0"));
  }
  return row;
}

export function showProblems(list, { problems }) {
  list.replaceChildren(...problems.map((problem) => element("li", {}, problem)));
}
