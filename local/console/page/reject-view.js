import { button, element, setText } from "./elements.js";
import { grouped } from "./figures.js";
import { counted } from "./words.js";

/** Rejected lines: kinds of them, and of a kind the lines themselves, the rule, and what may help. */

export function openRejects(panel, { rejects }) {
  panel.open("Why lines were rejected", ({ body }) => {
    body.replaceChildren(
      rejects.length === 0
        ? element("p", { className: "quiet" }, "None so far.")
        : rejectList(panel, rejects),
    );
  });
}

export function rejectList(panel, rejects) {
  const list = element("ol", { className: "reject-list" });
  showRejects(list, rejects, panel);
  return list;
}

/** Updates a list in its place: an entry keeps the focus while its number grows. */
export function showRejects(list, rejects, panel) {
  if (rejects.length === 0) {
    list.replaceChildren(element("li", { className: "none" }, "None so far."));
    return;
  }
  list.querySelector(".none")?.remove();
  for (const [i, reject] of rejects.entries()) {
    const { type, reason, field, count, detail } = reject;
    const item = list.children[i] ?? list.appendChild(entry(panel));
    const opener = item.firstElementChild;
    opener.reject = reject;
    const texts = [grouped(count), `${type}: ${field ? `${field}, ` : ""}${reason}`, detail];
    for (const [j, text] of texts.entries()) setText(opener.children[j], text);
  }
  while (list.children.length > rejects.length) list.lastElementChild.remove();
}

function entry(panel) {
  const parts = ["count", "reason", "detail"].map((className) => element("span", { className }));
  return element(
    "li",
    {},
    button(({ currentTarget }) => openReject(panel, currentTarget.reject), {}, ...parts),
  );
}

function openReject(panel, { type, reason, field }) {
  panel.open(`${type}: ${field ? `${field}, ` : ""}${reason}`, async ({ body, ask }) => {
    const query = new URLSearchParams({ type, reason, ...(field && { field }) });
    const { count, meaning, rule, tryWith, examples } = await ask(`/reject?${query}`);
    const [first, ...others] = examples.map(exampleOf);
    body.replaceChildren(
      element("p", {}, `${counted(count, "line")}. ${meaning}`),
      ...(first ?? []),
      element("h3", {}, "The rule that refused it"),
      element("pre", { tabindex: "0" }, rule),
      ...(tryWith.length === 0 ? [] : [element("h3", {}, "Try with")]),
      ...tryWith.map(({ what, text }) =>
        element("div", { className: "try" }, element("p", {}, what), copied(text)),
      ),
      ...others.flat(),
    );
  });
}

function exampleOf({ detail, line, lineBytes, path, lineNumber, source, offset, host, arrivedAt, key }, i) {
  const place = path ? `${path}${lineNumber === undefined ? "" : `:${lineNumber}`}` : `source ${source}`;
  const facts = [
    ["File", path ?? "none: it came another way"],
    [
      "Line",
      lineNumber === undefined ? "unknown: the file has it no longer at its place" : grouped(lineNumber),
    ],
    ["Byte offset", grouped(offset)],
    ["Bytes", grouped(lineBytes)],
    ["Host", host ?? "unknown"],
    ["Came", arrivedAt],
    ["Kept in", key],
  ];
  return [
    element("h3", {}, i === 0 ? `The latest: ${place}` : `Before it: ${place}`),
    element("p", { className: "bad" }, detail),
    element("pre", { tabindex: "0", "aria-label": "The line" }, line),
    element(
      "dl",
      { className: "facts" },
      ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
    ),
  ];
}

/** A command, and a button that copies it. */
function copied(text) {
  const copy = element("button", { type: "button" }, "Copy");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Select it to copy";
    }
  });
  return element("div", { className: "command" }, element("pre", { tabindex: "0" }, text), copy);
}
