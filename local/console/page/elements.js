/** Elements with text in them. Whatever came out of a log line is set as text, never as markup. */

/** @param content texts and elements */
export function element(tag, { className, term, ...attributes } = {}, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (term) made.dataset.term = term;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...content);
  return made;
}

/** @param open what a click, Enter or Space does */
export function button(open, attributes, ...content) {
  const made = element("button", { type: "button", ...attributes }, ...content);
  made.dataset.opens = "panel";
  made.addEventListener("click", open);
  return made;
}

/** Left alone where it says so already, so that a selection stays. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/**
 * A table that scrolls by itself, and can be scrolled with keys.
 *
 * @param columns { name, hint, term, number } each: hint stands below the name
 * @param rows texts or elements each; null is no value
 */
export function table(label, columns, rows) {
  const heads = columns.map(({ name, hint, term, number }) => {
    const text = term ? element("button", { type: "button", term }, name) : name;
    const head = element("th", { scope: "col", className: number ? "number" : "" }, text);
    if (hint) head.append(element("small", {}, hint));
    return head;
  });
  const body = element("tbody");
  body.append(...rows.map((row) => tableRow(row, columns)));
  const made = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
  const frame = element(
    "div",
    { className: "scrolling", tabindex: "0", role: "region", "aria-label": label },
    made,
  );
  return Object.assign(frame, {
    /** Shows other rows in the place of these. */
    update: (rows) => body.replaceChildren(...rows.map((row) => tableRow(row, columns))),
  });
}

function tableRow(cells, columns) {
  const row = element("tr");
  for (const [i, cell] of cells.entries()) {
    const made = element("td", { className: columns[i]?.number ? "number" : "" });
    made.append(element("div", {}, cell ?? element("i", { className: "null" }, "null")));
    row.append(made);
  }
  return row;
}
