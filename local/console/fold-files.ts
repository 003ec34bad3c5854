import type { AgentFile } from "./snapshot.ts";

/**
 * Files as the page shows them: those that are furthest behind by themselves, and all others of a type as one, so that
 * a folder of thousands makes no snapshot of megabytes.
 */
export function foldFiles(files: readonly AgentFile[], keep: number): AgentFile[] {
  if (files.length <= keep) return [...files];
  const behind = ({ sizeBytes, deliveredBytes }: AgentFile): number => sizeBytes - deliveredBytes;
  const sorted = files.toSorted((a, b) => behind(b) - behind(a));
  const folded = Map.groupBy(sorted.slice(keep), ({ type }) => type);
  const others = [...folded].map(([type, files]): AgentFile => {
    const sum = (of: (file: AgentFile) => number): number =>
      files.reduce((total, file) => total + of(file), 0);
    const count = sum((file) => file.count ?? 1);
    return {
      path: `${count} other files`,
      type,
      sizeBytes: sum((file) => file.sizeBytes),
      deliveredBytes: sum((file) => file.deliveredBytes),
      count,
    };
  });
  return [...sorted.slice(0, keep), ...others];
}
