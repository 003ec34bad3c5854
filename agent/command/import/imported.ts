import { isAbsolute } from "node:path";
import { isExposed } from "../../config/exposure.ts";
import { shownVariables } from "./fluentd-value.ts";
import { shownSetting } from "./shown-value.ts";
import type { TypeDraft } from "./types/imported-format.ts";

/** What became of another agent's configuration. */
export interface Imported {
  /** Of ours, to be written as TOML. */
  readonly settings: ImportedSettings;
  /** What could not be carried over. */
  readonly notes: Notes;
  /** What is written, but commented out. */
  readonly held?: readonly HeldEntry[];
  /** Makes the log types of what is sent; what cannot be told of them is noted. */
  readonly types?: (notes: Notes) => Promise<readonly TypeDraft[]>;
}

/** An entry of which it cannot be told whether its events went to the stream: whoever knows takes it in. */
export interface HeldEntry {
  readonly line: number;
  readonly why: string;
  readonly settings: Pick<ImportedSettings, "files" | "forward">;
}

export interface ImportedSettings {
  stream?: string;
  region?: string;
  endpoint?: string;
  aws?: { role_arn: string; external_id?: string };
  producer?: { linger_ms: number };
  monitor?: { port: number; address?: string };
  cloudwatch?: { endpoint?: string };
  forward?: ImportedForward;
  stdin?: { tag: string };
  files?: ImportedFiles[];
}

export interface ImportedFiles {
  readonly tag: string;
  readonly path: string | readonly string[];
  readonly exclude?: readonly string[];
  readonly start_at: "head" | "end";
  readonly encoding?: string;
  readonly bytes_per_second?: number;
  readonly ignore_older_ms?: number;
  readonly multi_line?: { readonly start: string; readonly idle_ms?: number };
  readonly include_lines?: readonly ImportedCondition[];
  readonly exclude_lines?: readonly ImportedCondition[];
}

/** A pattern, or several that must all be found. */
export type ImportedCondition = string | { readonly all: readonly string[] };

export interface ImportedForward {
  readonly bind: string;
  readonly port: number;
  readonly insecure?: true;
  readonly shared_key?: string;
  readonly shared_key_file?: string;
  readonly users?: readonly { readonly username: string; readonly password: string }[];
  readonly tls?: { readonly cert_file: string; readonly key_file: string; readonly client_ca_file?: string };
  readonly max_message_bytes?: number;
}

/** A forward input as open as it was, which ours wants to be told. */
export function openForward(forward: ImportedForward, note: Note): ImportedForward {
  if (!isExposed(forward)) return forward;
  note("forward: whoever reaches it may send, as before; set shared_key_file or tls, and take insecure away");
  return { ...forward, insecure: true };
}

/** Takes note of something that concerns a line that is known already. */
export type Note = (text: string) => void;

/** What could not be carried over, each with its line and with what to do instead. */
export class Notes {
  readonly #notes: { readonly line: number; readonly text: string; readonly isOfTypes: boolean }[] = [];

  /** @param line of the other configuration, undefined where it is about none */
  add(line: number | undefined, text: string): void {
    this.#notes.push({ line: line ?? 0, text, isOfTypes: false });
  }

  /** What weir.config.ts is to say: nothing to be told where that is written, too. */
  addOfTypes(line: number | undefined, text: string): void {
    this.#notes.push({ line: line ?? 0, text, isOfTypes: true });
  }

  /** Notes that are left where the log types are written as well, with what is told of these. */
  withTypes(others: Notes): Notes {
    const all = new Notes();
    all.#notes.push(...this.#notes.filter(({ isOfTypes }) => !isOfTypes), ...others.#notes);
    return all;
  }

  at(line: number | undefined): Note {
    return (text) => this.add(line, text);
  }

  /** In the order of their lines, each once. */
  get texts(): string[] {
    const sorted = [...this.#notes].sort((a, b) => a.line - b.line);
    const texts = sorted.map(({ line, text }) => (line === 0 ? text : `line ${line}: ${text}`));
    return [...new Set(texts.map(shownVariables))];
  }
}

/** A tag as ours may be: what it may not hold becomes a dash. */
export function asTag(text: string, note: Note): string {
  const tag =
    text
      .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
      .replace(/^[^A-Za-z0-9]+/, "")
      .slice(0, 128) || "log";
  if (tag !== text) note(`tag "${text}": is now "${tag}"; match it in weir.config.ts`);
  return tag;
}

/** Settings that are not carried over. @param whyOf says more of some */
export function tellSettings(
  where: string,
  settings: Readonly<Record<string, unknown>>,
  lineOf: (key: string) => number | undefined,
  notes: Pick<Notes, "add">,
  whyOf: (key: string) => string | undefined,
): void {
  for (const [key, value] of Object.entries(settings)) {
    notes.add(lineOf(key), `${where}${shownSetting(key, value, " = ")}: ${whyOf(key) ?? "left out"}`);
  }
}

/** Paths that can be followed. What is relative depends on where the other agent was started. */
export function absolutePaths(paths: readonly string[], note: Note): string[] {
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
