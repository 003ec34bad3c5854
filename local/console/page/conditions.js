import { button, setText } from "./elements.js";

/** What is not as it should be, and since when: nothing while all is well. Each opens where to look. */

/**
 * @param conditions worst first
 * @param open what shows a condition, by its id
 */
export function showConditions(list, conditions, open) {
  list.hidden = conditions.length === 0;
  for (const [i, { id, severity, text, since }] of conditions.entries()) {
    const item = list.children[i] ?? addItem(list, open);
    item.dataset.severity = severity;
    item.dataset.condition = id;
    const [said, time] = item.children;
    // Durations in it grow every second; the state of the whole is what is read aloud.
    setText(said, text);
    setText(time, since);
  }
  while (list.children.length > conditions.length) list.lastElementChild.remove();
}

function addItem(list, open) {
  const item = document.createElement("li");
  item.append(
    button(() => open(item.dataset.condition), {}),
    document.createElement("time"),
  );
  return list.appendChild(item);
}
