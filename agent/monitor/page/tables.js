import { duration, grouped, size } from "./figures.js";

/** Rows of the tables. What a path or an error holds is text, never markup. */

function element(name, text = "", className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

function heading(text, notes = []) {
  const made = element("th");
  made.scope = "row";
  made.append(element("span", text), ...notes);
  return made;
}

/** A figure, quiet where it is nothing. */
function figure(value, format, isBad = false) {
  return element("td", format(value), value === 0 ? "zero" : isBad ? "bad" : "");
}

function show(body, rows, none, columns) {
  const cell = element("td", none, "none");
  cell.colSpan = columns;
  const empty = element("tr");
  empty.append(cell);
  body.replaceChildren(...(rows.length > 0 ? rows : [empty]));
}

function row(cells) {
  const made = element("tr");
  made.append(...cells);
  return made;
}

export function showFiles(body, { rows, missing, search }) {
  const made = rows.map((file) => {
    const notes = [];
    if (file.movedFrom) notes.push(element("span", `was ${file.movedFrom}`, "note"));
    if (file.phase === "ended") notes.push(element("span", "has ended", "note"));
    if (file.limitedTo) notes.push(element("span", `limited to ${file.limitedTo} bytes/s`, "note"));
    if (file.error) notes.push(element("span", file.error, "note bad"));
    const delivered = element("td");
    const bar = element("progress");
    bar.max = Math.max(file.size, 1);
    bar.value = file.delivered;
    delivered.append(bar, element("span", size(file.delivered)));
    return row([
      heading(file.path, notes),
      element("td", file.tag),
      delivered,
      figure(file.size, size),
      figure(file.lagBytes, size),
      figure(file.lagSeconds, duration, file.lagSeconds >= 60),
      figure(Math.round(file.bytesPerSecond), (bytes) => `${size(bytes)}/s`),
      figure(file.rotations, grouped),
    ]);
  });
  const gone = missing.map(({ tag, path }) => {
    const cell = element("td");
    cell.colSpan = 6;
    return row([
      heading(path, [element("span", "there is no such file", "note bad")]),
      element("td", tag),
      cell,
    ]);
  });
  const none = search === "" ? "No files are followed." : `Nothing is found for “${search}”.`;
  show(body, [...gone, ...made], none, 8);
}

export function showShards(body, { rows }) {
  const made = rows.map(({ shard, bytes, records, throttled, retries }) =>
    row([
      heading(shard),
      figure(bytes, size),
      figure(records, grouped),
      figure(throttled, grouped, true),
      figure(retries, grouped),
    ]),
  );
  show(body, made, "Nothing was sent yet.", 5);
}

export function showInputs(body, inputs) {
  const made = inputs.map(({ name, open, connections, refused, events, bytes }) =>
    row([
      heading(name),
      figure(open, grouped),
      figure(connections, grouped),
      figure(refused, grouped, true),
      figure(events, grouped),
      figure(bytes, size),
    ]),
  );
  show(body, made, "Nothing can be pushed: there is no [forward], [stdin] or [[line_sockets]].", 6);
}
