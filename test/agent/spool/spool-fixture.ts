import { pino } from "pino";
import type { Origin } from "../../../agent/kinesis/aggregator.ts";
import type { SpoolPosition } from "../../../agent/push/spool/segments.ts";
import { Spool, type SpoolOptions } from "../../../agent/push/spool/spool.ts";
import { SpoolReader } from "../../../agent/push/spool/spool-reader.ts";
import type { Line, Run } from "../../../agent/framing/line-framer.ts";
import type { Event } from "../event.ts";
import type { PowerLossFs } from "../power-loss-fs.ts";

const log = pino({ level: "silent" });

/** A spool of small segments, opened and read as an agent does; a checkpoint is a variable. */
export class SpoolRun {
  readonly spool: Spool;
  readonly reader: SpoolReader;
  readonly #underway: { readonly event: Event; readonly arrive: () => void }[] = [];

  static async open(
    fs: PowerLossFs,
    position?: SpoolPosition,
    overrides: Partial<SpoolOptions> = {},
    isRenewed = false,
  ): Promise<SpoolRun> {
    const options: SpoolOptions = {
      fs,
      directory: "/spool",
      name: "pushed",
      host: "test-host",
      maxBytes: 2 ** 20,
      minFreeBytes: 0,
      segmentBytes: 400,
      maxLineBytes: 100,
      overflow: "block",
      sync: "ack",
      log,
      ...overrides,
    };
    const spool = await Spool.open(options, position, isRenewed);
    const { offset, gap } = spool.startAfter(position);
    return new SpoolRun(spool, new SpoolReader(spool, offset, fs, log, gap));
  }

  private constructor(spool: Spool, reader: SpoolReader) {
    this.spool = spool;
    this.reader = reader;
  }

  /** Reads what there is to read now; of what was read, the oldest events arrive. */
  async deliver(most = Infinity): Promise<Event[]> {
    for await (const { runs } of this.reader.drain(new AbortController().signal)) {
      for (const { origin, bytes, run } of runs) {
        for (const line of linesOf(bytes, run)) this.#expect(origin, bytes, line);
      }
    }
    const arrived = this.#underway.splice(0, most);
    for (const { arrive } of arrived) arrive();
    return arrived.map(({ event }) => event);
  }

  #expect(
    { source, tag, delivery }: Origin,
    window: Buffer,
    { start, end, offset, extent, gap }: Line,
  ): void {
    const text = window.toString("latin1", start, end);
    const event = { tag, text, position: { source, offset, extent, gap } };
    const arrive = delivery.expect({ offset: offset + extent, standing: "line", gap: undefined });
    this.#underway.push({ event, arrive });
  }

  get position(): SpoolPosition {
    const { source, end } = this.spool;
    const { offset, gap } = this.reader.delivery.resume;
    return { sourceId: source.id, offset, end, gap };
  }

  /** As the agent does: the checkpoint first, then what it no longer needs. */
  async checkpoint(): Promise<SpoolPosition> {
    const { position } = this;
    await this.spool.release(position.offset);
    return position;
  }
}

function* linesOf(window: Buffer, run: Run): Generator<Line> {
  for (let rest = run; rest.start <= run.end;) {
    const lineFeed = window.subarray(0, run.end).indexOf(10, rest.start);
    const end = lineFeed === -1 ? run.end : lineFeed;
    const extent = lineFeed === -1 ? rest.extent : end - rest.start + 1;
    yield { ...rest, end, extent };
    const [offset, left] = [rest.offset + extent, rest.extent - extent];
    rest = { ...rest, start: end + 1, offset, extent: left, gap: undefined };
  }
}

export function event(text: string, tag = "test"): { tag: string; data: Buffer } {
  return { tag, data: Buffer.from(text) };
}
