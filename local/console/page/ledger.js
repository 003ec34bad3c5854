import { grouped } from "./figures.js";
import { counted } from "./words.js";

/** The tables. Everything that came out of a log line is set as text, never as markup. */

const CELLS = ["lines", "rows", "rejected", "filtered", "duplicates"];

export function showLedger(body, snapshot, types) {
  for (const [i, type] of types.entries()) {
    const row = body.rows[i] ?? addRow(body, type, i);
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

function addRow(body, type, i) {
  const row = body.insertRow();
  row.className = `series-${i % 6}`;
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = type;
  row.append(head);
  for (let cell = 0; cell <= CELLS.length; cell++) row.insertCell().textContent = "0";
  return row;
}

export function showRejects(list, { rejects }) {
  if (rejects.length === 0) {
    list.replaceChildren(item([["none", "None so far."]]));
    return;
  }
  for (const [i, { type, reason, field, count, detail }] of rejects.entries()) {
    const texts = [
      ["count", grouped(count)],
      ["reason", `${type}: ${field ? `${field}, ` : ""}${reason}`],
      ["detail", detail],
    ];
    const known = list.children[i];
    if (known?.children.length === texts.length) {
      texts.forEach(([, text], j) => setText(known.children[j], text));
    } else if (known) known.replaceWith(item(texts));
    else list.append(item(texts));
    list.children[i].title = `${counted(count, "line")}. For example: ${detail}`;
  }
  while (list.children.length > rejects.length) list.lastElementChild.remove();
}

export function showProblems(list, { problems }) {
  list.replaceChildren(...problems.map((problem) => item([["problem", problem]])));
}

function item(texts) {
  const entry = document.createElement("li");
  for (const [name, text] of texts) {
    const span = document.createElement("span");
    span.className = name;
    span.textContent = text;
    entry.append(span);
  }
  return entry;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
