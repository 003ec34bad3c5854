import type { ImportedPositions } from "./import-positions.ts";

/** Enough to see what is wrong. */
const SHOWN = 20;

/** What `weir agent positions` prints. */
export function positionsText(imported: ImportedPositions): string {
  const { kinds, files, earlier, unknown, notes, checkpoint } = imported;
  const out = [`${kinds.join(" and ")}: ${files.length} ${files.length === 1 ? "file" : "files"}`, ""];
  for (const { path, tag, offset, size, note } of files) {
    const left = `${size - offset} of ${size} bytes are left`;
    out.push(`${path} (${tag}): from byte ${offset}, ${left}${note === undefined ? "" : `\n  ${note}`}`);
  }
  out.push(
    ...listed(
      "no position is known of these; they are read from their beginning. Exclude what was sent:",
      unknown.map(({ path, size }) => `${path}, ${size} bytes`),
    ),
  );
  out.push(...listed("rotated before, and taken for delivered:", earlier));
  out.push(...listed("to be looked at:", notes, notes.length));
  const end =
    checkpoint === undefined ? "dry run: nothing was written" : `${checkpoint} is written: start the agent`;
  return `${out.join("\n")}\n\n${end}\n`;
}

function listed(title: string, all: readonly string[], most = SHOWN): string[] {
  if (all.length === 0) return [];
  const more = all.length > most ? [`  and ${all.length - most} more`] : [];
  return ["", title, ...all.slice(0, most).map((one) => `  ${one}`), ...more];
}
