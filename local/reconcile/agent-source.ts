import * as z from "zod";
import type { Commit } from "../../wire/commit.ts";
import { coverAllSources, nameOf, pairProblem, type SourceCoverage } from "./coverage.ts";
import { counted, grouped } from "./figures.ts";
import type { TypeReport } from "./report.ts";

/** A source, and how far the agent says that it is delivered: all its bytes before that have to be in the lake. */
export const agentSourceSchema = z.strictObject({
  id: z.string(),
  /** Path of the file, or the name of what is no file. */
  path: z.string(),
  bytes: z.int().min(0),
  /** Events before that, where the files tell. */
  lines: z.int().min(0).optional(),
});

export type AgentSource = Readonly<z.output<typeof agentSourceSchema>>;

/**
 * Holds the lake against an agent's account of its sources. Every byte that the agent had acknowledged is in an event or in
 * a gap with its reason; and where the files of a type tell how many lines they have, as many came.
 *
 * @returns what is wrong, and what was held against what
 */
export function checkAgentSources(
  sources: readonly AgentSource[],
  commits: readonly Commit[],
  types: Readonly<Record<string, TypeReport>>,
): { problems: string[]; notes: string[] } {
  const coverage = coverAllSources(commits);
  const byId = new Map(sources.map((source) => [source.id, source]));
  const problems = sources
    .filter(({ id, bytes }) => bytes > 0 && !coverage.some((covered) => covered.id === id))
    .map(({ path, bytes }) => `nothing of ${path} (${counted(bytes, "byte")}) was delivered`);
  for (const covered of coverage) {
    const source = byId.get(covered.id);
    const problem = pairProblem(covered, source ?? { path: covered.path, bytes: covered.accounted.end });
    if (problem !== undefined) problems.push(problem);
  }
  const forgotten = coverage.filter(({ id }) => !byId.has(id));
  const isCounted = (type: string): boolean => {
    const of = coverage.filter((covered) => covered.types.has(type));
    return (
      of.length > 0 && of.every(({ id, types }) => types.size === 1 && byId.get(id)?.lines !== undefined)
    );
  };
  const [inLines, inBytes] = [true, false].map((is) =>
    Object.keys(types).filter((type) => types[type]!.lines > 0 && isCounted(type) === is),
  ) as [string[], string[]];
  for (const type of inLines) problems.push(...lineProblem(type, types[type]!, coverage, byId));
  return { problems, notes: notes(sources, inLines, inBytes, forgotten) };
}

function lineProblem(
  type: string,
  { lines, duplicates }: TypeReport,
  coverage: readonly SourceCoverage[],
  byId: ReadonlyMap<string, AgentSource>,
): string[] {
  const inFiles = coverage
    .filter((covered) => covered.types.has(type))
    .reduce((sum, { id }) => sum + byId.get(id)!.lines!, 0);
  const came = lines - duplicates;
  return inFiles === came
    ? []
    : [`${type}: the files hold ${counted(inFiles, "line")} as far as they were read, ${grouped(came)} came`];
}

function notes(
  sources: readonly AgentSource[],
  inLines: readonly string[],
  inBytes: readonly string[],
  forgotten: readonly SourceCoverage[],
): string[] {
  const bytes = sources.reduce((sum, source) => sum + source.bytes, 0);
  return [
    `${counted(sources.length, "source")} of the agent, ${counted(bytes, "byte")}: each byte that it counts as delivered is in the lake`,
    ...(inLines.length > 0 ? [`lines were counted in the files, too: ${inLines.join(", ")}`] : []),
    ...(inBytes.length > 0
      ? [`bytes alone, not lines (pushed events, events of several lines, filters): ${inBytes.join(", ")}`]
      : []),
    ...forgotten.map(
      (source) => `the agent no longer knows ${nameOf(source)}: where it ended was not checked`,
    ),
  ];
}
