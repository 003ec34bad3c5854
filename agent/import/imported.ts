import { isAbsolute } from "node:path";

/** What became of another agent's configuration. */
export interface Imported {
  /** Of ours, to be written as TOML. */
  readonly settings: ImportedSettings;
  /** What could not be carried over, each with what to do instead. */
  readonly notes: readonly string[];
}

export interface ImportedSettings {
  stream?: string;
  region?: string;
  endpoint?: string;
  aws?: { role_arn: string; external_id?: string };
  producer?: { linger_ms: number };
  monitor?: { port: number };
  files: ImportedFiles[];
}

export interface ImportedFiles {
  readonly tag: string;
  readonly path: string | readonly string[];
  readonly exclude?: readonly string[];
  readonly start_at: "head" | "end";
}

/** A tag as ours may be: what it may not hold becomes a dash. */
export function asTag(text: string, note: (text: string) => void): string {
  const tag =
    text
      .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 128) || "log";
  if (tag !== text) note(`tag "${text}": is now "${tag}"; match it in weir.config.ts`);
  return tag;
}

/** Paths that can be followed. What is relative depends on where the other agent was started. */
export function absolutePaths(paths: readonly string[], note: (text: string) => void): string[] {
  for (const path of paths) if (!isAbsolute(path)) note(`file "${path}": left out, not an absolute path`);
  return paths.filter((path) => isAbsolute(path));
}

/** One path as a text, more as an array. */
export function pathSetting(paths: readonly string[]): string | readonly string[] {
  return paths.length === 1 ? paths[0]! : paths;
}

/** Ours waits a minute at most, and for less than a second only on purpose. */
export function lingerMs(ms: number): number {
  return Math.max(0, Math.min(60_000, Math.round(ms)));
}
