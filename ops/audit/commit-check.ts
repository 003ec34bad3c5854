import type { Commit, LakeObject } from "../../wire/commit.ts";

/** What of a commit does not add up with itself, in words; nothing of one that does. */
export function commitProblems({ types, objects, quarantined }: Commit): readonly string[] {
  const problems: string[] = [];
  let counted = 0;
  const held = (kind: LakeObject["kind"], type: string): number => {
    let sum = 0;
    for (const object of objects) if (object.kind === kind && object.type === type) sum += object.rows;
    counted += sum;
    return sum;
  };
  for (const type in types) {
    const { lines, rows, rejected, filtered, duplicates } = types[type]!;
    const parts = rows + rejected + filtered + duplicates;
    if (lines !== parts) problems.push(`it counts ${lines} lines of ${type}, and ${parts} in their parts`);
    const [data, refused] = [held("data", type), held("rejected", type)];
    if (rows !== data) problems.push(`it counts ${rows} rows of ${type}, and its objects hold ${data}`);
    if (rejected !== refused) {
      problems.push(`it counts ${rejected} rejected lines of ${type}, and its objects hold ${refused}`);
    }
  }
  const raw = held("quarantine", "");
  if (quarantined !== raw) {
    problems.push(`it counts ${quarantined} quarantined records, and its objects hold ${raw}`);
  }
  let all = 0;
  for (const { rows } of objects) all += rows;
  if (all !== counted)
    problems.push(`its objects hold ${all - counted} lines of types that it does not count`);
  return problems;
}
