import type { Commit } from "../../wire/commit.ts";

/** A source that more than one host claims, which the agents of two hosts never do. */
export interface ContestedSource {
  readonly id: string;
  readonly hosts: readonly string[];
}

/** Sources that commits, of one batch or of several, name under more than one host. */
export function contestedSources(commits: readonly Commit[]): ContestedSource[] {
  const hosts = new Map<string, Set<string>>();
  for (const { id, host } of commits.flatMap(({ sources }) => sources)) {
    const known = hosts.get(id);
    if (known) known.add(host);
    else hosts.set(id, new Set([host]));
  }
  return [...hosts].filter(([, hosts]) => hosts.size > 1).map(([id, hosts]) => ({ id, hosts: [...hosts] }));
}
