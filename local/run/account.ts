import { realpath } from "node:fs/promises";
import type { AgentSource } from "../reconcile/agent-source.ts";
import type { FileTruth, Truth } from "../reconcile/truth.ts";

/** What the lake is held against: files by type, or sources by the agent's word. */
export interface Account {
  readonly truth: Truth;
  readonly sources?: readonly AgentSource[];
}

/**
 * Holds the agent's word against the files that it was given: of each it must have delivered every byte. They also tell how
 * many events they hold. A symbolic link and the file that it leads to are one.
 */
export async function withFiles(sources: readonly AgentSource[], truth: Truth): Promise<AgentSource[]> {
  const open = new Map<string, FileTruth>();
  for (const file of Object.values(truth).flatMap(({ files }) => files))
    open.set(await real(file.path), file);
  const known: AgentSource[] = [];
  for (const source of sources) {
    const path = await real(source.path);
    const file = open.get(path);
    open.delete(path);
    known.push(file ? { ...source, bytes: Math.max(source.bytes, file.bytes), lines: file.lines } : source);
  }
  const unread = [...open.values()].map(({ path, bytes, lines }) => ({ id: "", path, bytes, lines }));
  return [...known, ...unread];
}

const real = (path: string): Promise<string> => realpath(path).catch(() => path);

/**
 * What there was to deliver in this run and those before it in the same folder. The first one is held against its files, as
 * they know nothing of an agent; from then on only sources tell what came before.
 */
export function accountOf(
  truth: Truth | undefined,
  sources: readonly AgentSource[],
  isFirst: boolean,
): Account {
  return truth && isFirst ? { truth } : { truth: {}, sources };
}
