import type { Commit } from "../../wire/commit.ts";

/** What of a commit does not add up with itself, in words; nothing of one that does. */
export function* commitProblems({ types, objects, quarantined }: Commit): Generator<string> {
  const held = new Map<string, number>();
  for (const { kind, type, rows } of objects) {
    const name = `${kind} ${type}`;
    held.set(name, (held.get(name) ?? 0) + rows);
  }
  const take = (name: string): number => {
    const rows = held.get(name) ?? 0;
    held.delete(name);
    return rows;
  };
  for (const [type, { lines, rows, rejected, filtered, duplicates }] of Object.entries(types)) {
    const parts = rows + rejected + filtered + duplicates;
    if (lines !== parts) yield `it counts ${lines} lines of ${type}, and ${parts} in their parts`;
    const [data, refused] = [take(`data ${type}`), take(`rejected ${type}`)];
    if (rows !== data) yield `it counts ${rows} rows of ${type}, and its objects hold ${data}`;
    if (rejected !== refused)
      yield `it counts ${rejected} rejected lines of ${type}, and its objects ${refused}`;
  }
  const raw = take("quarantine ");
  if (quarantined !== raw) yield `it counts ${quarantined} quarantined records, and its objects hold ${raw}`;
  for (const [name, rows] of held)
    if (rows > 0) yield `its objects hold ${rows} lines of ${name} that it does not count`;
}
