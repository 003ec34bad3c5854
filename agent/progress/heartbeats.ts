import { randomBytes } from "node:crypto";
import { HEARTBEAT_PATH, type Heartbeat } from "../../wire/heartbeat.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import { Delivery } from "../kinesis/delivery.ts";
import type { Aggregator, Origin } from "../kinesis/aggregator.ts";
import { wallClockAt } from "../steady-clock.ts";
import type { FollowedFile } from "../tail/files/followed-file.ts";
import { HEAD } from "../framing/line-framer.ts";

/** Sources in one heartbeat. With paths of the greatest length it still fits a record. */
const SOURCES_PER_HEARTBEAT = 100;

/** What a heartbeat tells of a source. */
export type ReportedSource = Pick<
  FollowedFile,
  "source" | "tag" | "size" | "read" | "delivery" | "endReachedAtMs" | "error" | "gap" | "phase"
>;

type SourceReport = Heartbeat["sources"][number];

/**
 * Tells through the stream how much each file held and how much of it is delivered. Heartbeats are a
 * source of their own that begins with the process, its offset running on from one to the next.
 */
export class Heartbeats {
  readonly #origin: Origin;
  readonly #agent: Heartbeat["agent"];
  readonly #aggregator: Aggregator;
  #offset = 0;

  constructor(host: string, agent: Heartbeat["agent"], aggregator: Aggregator) {
    const source = { id: randomBytes(9).toString("base64url"), host, path: HEARTBEAT_PATH };
    this.#origin = { source, tag: HEARTBEAT_TYPE, delivery: new Delivery(HEAD) };
    this.#agent = agent;
    this.#aggregator = aggregator;
  }

  /** Not all of what was told is delivered. */
  get isUnderWay(): boolean {
    return this.#origin.delivery.resume.offset < this.#offset;
  }

  /**
   * One heartbeat, or more where there are many files. An agent without files beats, too.
   *
   * @param isLast the agent was asked to end, and will say nothing more
   */
  beat(files: readonly ReportedSource[], now: Date, isLast = false): void {
    const agent = isLast ? { ...this.#agent, stopping: true } : this.#agent;
    const reports = files.map(reportFile);
    do {
      const sources = reports.splice(0, SOURCES_PER_HEARTBEAT);
      const { host } = this.#origin.source;
      this.#send({ at: now.toISOString(), host, agent, sources });
    } while (reports.length > 0);
  }

  #send(heartbeat: Heartbeat): void {
    const data = Buffer.from(JSON.stringify(heartbeat));
    const offset = this.#offset;
    const extent = data.length + 1;
    const line = { start: 0, end: data.length, offset, extent, gap: undefined, standing: "line" } as const;
    this.#aggregator.add(this.#origin, data, line);
    this.#offset += extent;
  }
}

export function reportFile(file: ReportedSource): SourceReport {
  const { source, tag, size, read, delivery, endReachedAtMs, error, gap } = file;
  const hasEnded = file.phase === "ended" && !delivery.isPending;
  return {
    id: source.id,
    path: source.path,
    tag,
    size,
    read,
    delivered: delivery.resume.offset,
    endReachedAt: endReachedAtMs === undefined ? null : wallClockAt(endReachedAtMs).toISOString(),
    state:
      error === undefined ? (hasEnded ? "ended" : file.phase === "active" ? "active" : "rotated") : "error",
    finalSize: hasEnded ? size : null,
    ...(error === undefined ? {} : { error }),
    ...(gap === undefined ? {} : { gap }),
  };
}
