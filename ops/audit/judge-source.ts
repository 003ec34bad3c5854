import { counted, grouped, rangeText } from "../access/figures.ts";
import { HEARTBEAT_PATH } from "../../wire/heartbeat.ts";
import type { CommitRef } from "./commit-ref.ts";
import type { Finding } from "./finding.ts";
import type { Source } from "./source.ts";
import type { Hole } from "./tracked-ranges.ts";

/** What is known beside a source itself. */
export interface Circumstances {
  readonly now: Date;
  /** What arrived later may still be on its way. ISO 8601. */
  readonly settledBefore: string;
  /** What was delivered before the audit begins is not known. */
  readonly beginsLate: boolean;
  /** Command lines that bring back records which arrived between two commits. */
  readonly replay: (after: CommitRef | undefined, before: CommitRef | undefined) => readonly string[];
}

const MAX_HOLES = 20;

/** What of a source nobody explains. */
export function* judgeSource(source: Source, circumstances: Circumstances): Generator<Finding> {
  const { name, ranges, id } = source;
  const { missing: holes } = missingHoles(source, circumstances);
  if (holes.length > 0) yield missingBytes(source, holes, circumstances);
  yield* missingEnd(source, circumstances);
  if (source.goesOnAt > source.end && !circumstances.beginsLate) {
    const count = source.goesOnAt - source.end;
    const text = `${name} (${id}) goes on under another id at byte ${grouped(source.goesOnAt)}, and is delivered to ${grouped(source.end)}`;
    yield {
      kind: "earlier-source",
      subject: name,
      text,
      count,
      commits: refs(ranges.last),
      fix: circumstances.replay(ranges.last, undefined),
    };
  }
  if (source.otherHosts.length > 0) {
    const hosts = [source.host, ...source.otherHosts];
    const text = `${hosts.join(" and ")} both claim the source ${id} (${source.path}): bytes of one may stand for those of the other`;
    yield { kind: "contested", subject: name, text, count: hosts.length };
  }
  if (ranges.blurredBytes > 0) {
    const text = `${name} (${id}) has more holes than are told apart, of ${counted(ranges.blurredBytes, "byte")} at least`;
    yield { kind: "blurred", subject: name, text, count: ranges.blurredBytes };
  }
}

/** Holes that nothing explains, and of these those that may be filled yet. */
export function missingHoles(
  source: Source,
  { beginsLate, settledBefore }: Circumstances,
): { readonly missing: Hole[]; readonly pending: Hole[] } {
  const holes = [...source.explained.holes(beginsLate ? source.explained.begin : 0)];
  const isSettled = ({ before }: Hole): boolean => before.arrivedTo <= settledBefore;
  return { missing: holes.filter(isSettled), pending: holes.filter((hole) => !isSettled(hole)) };
}

function missingBytes(source: Source, holes: readonly Hole[], { replay }: Circumstances): Finding {
  const count = holes.reduce((sum, { from, to }) => sum + to - from, 0);
  const [first] = holes;
  const more = holes.length > 1 ? `, the first of ${grouped(holes.length)} holes` : "";
  const text =
    `${counted(count, "byte")} of ${source.name} (${source.id}) are missing: ` +
    `${rangeText(first!.from, first!.to)}${more}, and no gap is stated for them`;
  const some = holes.slice(0, MAX_HOLES);
  const commits = some.flatMap(({ after, before }) => refs(after, before));
  const fix = [...new Set(some.flatMap(({ after, before }) => replay(after, before)))];
  return { kind: "missing", subject: source.name, text, count, commits, fix };
}

/** What Kinesis has acknowledged, as the agent says, is in the lake once what was before it on the stream is. */
function* missingEnd(
  source: Source,
  { beginsLate, settledBefore, replay }: Circumstances,
): Generator<Finding> {
  const { told, end, acknowledgedEnd } = source;
  if (told === undefined || acknowledgedEnd <= end || source.path === HEARTBEAT_PATH) return;
  // Of a file that is idle, all may have come before the audit begins.
  if (beginsLate && source.explained.size === 0) return;
  if (told.arrivedAt.toISOString() > settledBefore) return;
  const count = acknowledgedEnd - end;
  const text =
    `${counted(count, "byte")} at the end of ${source.name} (${source.id}) are missing: Kinesis had taken it up to ` +
    `${grouped(acknowledgedEnd)} by ${told.arrivedAt.toISOString()}, and the lake has it up to ${grouped(end)}`;
  const { last } = source.ranges;
  yield {
    kind: "missing",
    subject: source.name,
    text,
    count,
    commits: refs(last),
    fix: replay(last, undefined),
  };
}

const refs = (...commits: readonly (CommitRef | undefined)[]): CommitRef[] =>
  commits.filter((commit) => commit !== undefined);
