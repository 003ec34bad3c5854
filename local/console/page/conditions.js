/** What is not as it should be, and since when: nothing while all is well. */

/** @param conditions worst first */
export function showConditions(list, conditions) {
  list.hidden = conditions.length === 0;
  for (const [i, { severity, text, since }] of conditions.entries()) {
    const item = list.children[i] ?? addItem(list);
    item.dataset.severity = severity;
    const [said, time] = item.children;
    // Durations in it grow every second; the state of the whole is what is read aloud.
    if (said.textContent !== text) said.textContent = text;
    if (time.textContent !== since) time.textContent = since;
  }
  while (list.children.length > conditions.length) list.lastElementChild.remove();
}

function addItem(list) {
  const item = document.createElement("li");
  item.append(document.createElement("span"), document.createElement("time"));
  return list.appendChild(item);
}
