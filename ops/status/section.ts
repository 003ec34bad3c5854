/** A part of the screen. */
export interface Section {
  readonly title: string;
  /** How it is, in a line. */
  readonly summary: string;
  /** What is not well, each in a line: the exit code is 0 only if there is none. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

/** What there is to say of a part, for people and for programs. */
export interface Report {
  readonly section: Section;
  readonly json: object;
}

/** A part that this place does not have. */
export function absent(title: string, why: string): Report {
  return { section: { title, summary: why, problems: [], notes: [] }, json: { absent: why } };
}

/** One that could not be looked at is not well: nobody knows. The others are shown all the same. */
export function unknown(title: string, error: unknown): Report {
  const why = `cannot be looked at: ${(error as Error).message}`;
  return { section: { title, summary: "unknown", problems: [why], notes: [] }, json: { error: why } };
}

/** Lines of many, and how many there are more. */
export function firstOf(lines: readonly string[], limit: number): string[] {
  const left = lines.length - limit;
  return left > 0 ? [...lines.slice(0, limit), `and ${left} more: --json has all`] : [...lines];
}

const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];

export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  for (; value >= 1_000 && unit < UNITS.length - 1; unit++) value /= 1_000;
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

/** Rows of a day are many, and nobody wants all digits. */
export function roughly(count: number): string {
  const units = ["", " k", " M", " G"];
  let [value, unit] = [count, 0];
  for (; value >= 1_000 && unit < units.length - 1; unit++) value /= 1_000;
  return `${unit === 0 ? Math.round(value) : value.toFixed(value < 10 ? 1 : 0)}${units[unit]}`;
}
