import { counted } from "./words.js";
import { grouped } from "./figures.js";

/** Asks a warehouse in SQL, and shows what it says. */

const byId = (id) => document.getElementById(id);
const [box, form, statement, said] = ["sql", "sql-form", "sql-statement", "sql-said"].map(byId);
const [warehouses, examples, stop, result] = ["sql-warehouse", "sql-examples", "sql-stop", "sql-result"].map(
  byId,
);
/** Ends what runs, if anything does. */
let running;

box.hidden = false;
/** Nothing is asked before somebody opens the box. */
box.querySelector("details").addEventListener("toggle", () => void open(), { once: true });

async function open() {
  const about = await (await fetch("/sql")).json();
  if (about.warehouses.length === 0) return showLake(about.lake);
  for (const name of about.warehouses) warehouses.append(new Option(name, name));
  byId("sql-warehouses").hidden = about.warehouses.length === 1;
  about.examples.forEach(({ title, warehouse }, i) => {
    const where = about.warehouses.length === 1 ? "" : ` (${warehouse})`;
    examples.append(new Option(`${title}${where}`, i));
  });
  const take = () => {
    const { sql, warehouse } = about.examples[examples.value] ?? {};
    if (sql === undefined) return;
    statement.value = sql;
    warehouses.value = warehouse;
  };
  examples.addEventListener("change", take);
  take();
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void ask("/sql", show);
  });
  byId("sql-csv").addEventListener("click", () => void ask("/sql.csv", save));
  stop.addEventListener("click", () => running?.abort());
  statement.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
}

function showLake({ endpoint, bucket }) {
  const none = byId("sql-none");
  none.hidden = false;
  none.querySelector("code").textContent = `${bucket} at ${endpoint}`;
}

/** One at a time: what runs is stopped for what is asked next. */
async function ask(path, take) {
  running?.abort();
  const own = new AbortController();
  running = own;
  stop.disabled = false;
  tell("Running");
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ warehouse: warehouses.value, sql: statement.value }),
      signal: own.signal,
    });
    if (response.ok) await take(response);
    else if (response.status === 422) refuse(await response.json());
    else tell((await response.text()).trim(), true);
  } catch (error) {
    if (running === own)
      tell(own.signal.aborted ? "Stopped" : `No answer: ${error.message}`, !own.signal.aborted);
  } finally {
    if (running === own) {
      running = undefined;
      stop.disabled = true;
    }
  }
}

async function show(response) {
  const { columns, rows, cutBy, milliseconds } = await response.json();
  result.replaceChildren(tableOf(columns, rows));
  result.hidden = columns.length === 0;
  const more = {
    rows: ": there are more, and CSV has more of them",
    bytes: ": what follows is too long for the page",
  };
  tell(`${counted(rows.length, "row")} in ${grouped(milliseconds)} ms${more[cutBy] ?? ""}`);
}

async function save(response) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = "weir.csv";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  const cut =
    response.headers.get("x-cut-by") === null ? "" : ": there are more, and a file has no room for them";
  tell(`weir.csv has ${counted(Number(response.headers.get("x-rows")), "row")}${cut}`);
}

/** Leads to the word at fault. */
function refuse({ message, detail, hint, position }) {
  result.hidden = true;
  const before = statement.value.slice(0, position ?? 0).split("\n");
  const place = position === undefined ? "" : `Line ${before.length}, column ${before.at(-1).length + 1}: `;
  tell([`${place}${message}`, detail, hint].filter(Boolean).join(". "), true);
  if (position === undefined) return;
  const word = /^(?:[\w.]+|.)/u.exec(statement.value.slice(position))?.[0] ?? "";
  statement.focus();
  statement.setSelectionRange(position, position + word.length);
}

function tell(text, isError = false) {
  said.textContent = text;
  said.classList.toggle("error", isError);
  statement.setAttribute("aria-invalid", String(isError));
}

const NUMBERS = new Set(["int2", "int4", "int8", "float4", "float8", "numeric"]);

/** Longer ones are broken into lines. */
const LONG_CHARS = 60;

/** What rows hold is text, never markup. */
function tableOf(columns, rows) {
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const { name, type } of columns) {
    const cell = document.createElement("th");
    Object.assign(cell, { scope: "col", textContent: name, title: type });
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    row.forEach((value, i) => {
      const cell = line.insertCell();
      cell.textContent = value ?? "NULL";
      if (value === null) cell.className = "null";
      else if (NUMBERS.has(columns[i].type)) cell.className = "number";
      else if (value.length > LONG_CHARS) cell.className = "long";
    });
  }
  return table;
}
