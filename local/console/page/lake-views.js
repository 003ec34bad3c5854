import { button, element, table } from "./elements.js";
import { grouped, size } from "./figures.js";

/** What opens from S3: its latest objects, and of each its first lines. */

const OBJECTS = [
  { name: "Came" },
  { name: "Holds" },
  { name: "Size", number: true, term: "objectBytes" },
  { name: "Lines", number: true, term: "objectRows" },
  { name: "Key" },
];

const HOLDS = { data: "rows", rejected: "rejected", quarantine: "quarantine" };

export function openObjects(panel) {
  panel.open("Latest objects in S3", async ({ body, ask }) => {
    const objects = await ask("/objects");
    const rows = objects.map(({ kind, key, bytes, rows, arrivedTo }) => [
      new Date(arrivedTo).toTimeString().slice(0, 8),
      HOLDS[kind],
      size(bytes),
      grouped(rows),
      button(() => openObject(panel, key), { className: "key" }, key),
    ]);
    body.replaceChildren(
      element(
        "p",
        {},
        "The newest first, as commits name them. An object that no commit names does not exist.",
      ),
      objects.length === 0
        ? element("p", { className: "quiet" }, "None so far.")
        : table("Objects", OBJECTS, rows),
    );
  });
}

export function openObject(panel, key) {
  panel.open("Object", async ({ body, ask }) => {
    const { lines, isAll } = await ask(`/object?key=${encodeURIComponent(key)}`);
    body.replaceChildren(
      element("p", {}, element("code", { className: "key" }, key)),
      ...lines.map((line) => element("pre", { tabindex: "0" }, line)),
      element("p", { className: "quiet" }, isAll ? "That is all of it." : "It goes on."),
    );
  });
}
