import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Logger } from "pino";
import type { DurableFs } from "../../machine/durable-fs.ts";
import { Quarantine } from "./quarantine.ts";
import { assertVersion, decodeHead, HEAD_BYTES, type SectionHead } from "./section-head.ts";
import { type Segment, segment } from "./segment.ts";
import { scanSegment } from "./segment-scan.ts";

const NAME = /^(\d{12})\.(spool|torn|corrupt)$/;

interface Candidate extends SectionHead {
  readonly path: string;
}

/** What an earlier process left. */
export interface Recovered {
  readonly sourceId: string;
  /** Of all files, 0 where there is none. */
  readonly lastNumber: number;
  /** Oldest first. */
  readonly list: Segment[];
  /** Torn tails and corrupt segments that were found, and set aside where that could be. */
  readonly quarantined: number;
}

export function newSourceId(): string {
  return randomBytes(9).toString("base64url");
}

/**
 * The segments of the last source, under whatever ids: where it goes on under another, the next one begins where it had
 * come to. A source that was given up had another begin at 0.
 */
function chainOf(candidates: readonly Candidate[]): Candidate[] {
  const chain: Candidate[] = [];
  for (const candidate of candidates.toReversed()) {
    const next = chain[0] ?? candidate;
    const goesOn = next.offset > 0 && candidate.offset <= next.offset;
    if (candidate.sourceId === next.sourceId || goesOn) chain.unshift(candidate);
  }
  return chain;
}

/** Finds out what the directory of a spool holds. */
export class Recovery {
  readonly #fs: DurableFs;
  readonly #directory: string;
  readonly #quarantine: Quarantine;

  constructor(fs: DurableFs, directory: string, log: Logger) {
    this.#fs = fs;
    this.#directory = directory;
    this.#quarantine = new Quarantine(fs, directory, log);
  }

  /** Reads what is there, checking every frame. A torn tail is set aside. */
  async run(): Promise<Recovered> {
    let lastNumber = 0;
    const candidates: Candidate[] = [];
    for (const name of (await this.#fs.list(this.#directory)).sort()) {
      const [, number, kind] = NAME.exec(name) ?? [];
      if (number === undefined) continue;
      lastNumber = Math.max(lastNumber, Number(number));
      const path = join(this.#directory, name);
      if (kind === "spool") candidates.push(...(await this.#readHead(path)));
    }
    const source = candidates.at(-1)?.sourceId ?? newSourceId();
    // A process that was killed may leave what no sync has reached: it is not read before one has.
    await this.#fs.syncDirectory(this.#directory);
    const own = chainOf(candidates);
    const list: Segment[] = [];
    for (const [i, head] of own.entries()) list.push(await this.#scan(head, own[i + 1]));
    // A source that was given up had nothing left to deliver.
    for (const candidate of candidates) if (!own.includes(candidate)) await this.#fs.remove(candidate.path);
    return { sourceId: source, lastNumber, list, quarantined: this.#quarantine.found };
  }

  async #readHead(path: string): Promise<Candidate[]> {
    const file = await this.#fs.open(path);
    try {
      const bytes = Buffer.alloc(HEAD_BYTES + 1);
      const length = await file.read(bytes, 0);
      assertVersion(bytes);
      const head = decodeHead(bytes.subarray(0, length), 0);
      if (head) return [{ path, ...head }];
      // Frames are written once the head is synced: without any, it was made in a crash.
      if (length > HEAD_BYTES) await this.#quarantine.segment(path);
      else {
        await this.#quarantine.tail(path, file, 0);
        await this.#fs.remove(path);
      }
    } finally {
      await file.close();
    }
    return [];
  }

  async #scan(head: Candidate, next: SectionHead | undefined): Promise<Segment> {
    const { path } = head;
    const file = await this.#fs.open(path);
    try {
      await file.datasync();
      const extent = await scanSegment(file, head, next?.offset ?? Infinity);
      if (next) return segment(path, head, { ...extent, end: next.offset, sourceLines: next.lines });
      await this.#quarantine.tail(path, file, extent.bytes);
      return segment(path, head, extent);
    } finally {
      await file.close();
    }
  }
}
