import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { segmentKey } from "../../wire/keys.ts";
import { headDigests, type SegmentHead } from "../../wire/segment.ts";
import { CommitLog } from "../commit-log/commit-log.ts";
import { lastSegment, segmentsAfter } from "../commit-log/log-end.ts";
import { SequencerError } from "./sequencer-error.ts";

/** A head, and which commits are in its segment. */
export interface KnownHead {
  /** Without its `keys`. */
  readonly head: SegmentHead;
  readonly digests: ReadonlySet<string>;
}

/** Digests that are kept between invocations: they take some 60 bytes each. */
const MAX_DIGESTS = 1_000_000;

/**
 * The heads of the log, and its end. Segments never change, so heads are remembered between the invocations of an
 * instance; where the log ends is asked each time.
 */
export class LogHeads {
  readonly #s3: S3Client;
  readonly #bucket: string;
  readonly #log: CommitLog;
  /** The one used last comes last. */
  readonly #heads = new Map<number, KnownHead>();
  #digests = 0;
  /** The last segment there was when it was last looked for; 0: none. */
  #end = 0;

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
    this.#log = new CommitLog(s3, bucket);
  }

  /** The last segment there is. */
  async last(): Promise<KnownHead | undefined> {
    this.#end = (await this.#endAfter(this.#end)) ?? (await lastSegment(this.#s3, this.#bucket));
    return this.#end === 0 ? undefined : this.head(this.#end);
  }

  /** @throws SequencerError MISSING_SEGMENT */
  async head(segment: number): Promise<KnownHead> {
    const known = this.#heads.get(segment);
    if (known) return this.#keep(segment, known);
    const head = await this.#log.head(segment);
    if (head) return this.#keep(segment, knownHead(head));
    const hint = "restore it from the bucket's older versions";
    throw new SequencerError("MISSING_SEGMENT", `${segmentKey(segment)} is not there`, hint);
  }

  /** Puts the next segment. @returns undefined when there is one of this number already */
  async put(head: SegmentHead, bytes: Buffer): Promise<KnownHead | undefined> {
    const object = { Bucket: this.#bucket, Key: segmentKey(head.segment), Body: bytes };
    try {
      await this.#s3.send(new PutObjectCommand({ ...object, ContentLength: bytes.length, IfNoneMatch: "*" }));
    } catch (error) {
      const { name } = error as Error;
      if (name === "PreconditionFailed" || name === "ConditionalRequestConflict") return undefined;
      throw error;
    }
    this.#end = head.segment;
    return this.#keep(head.segment, knownHead(head));
  }

  #keep(segment: number, known: KnownHead): KnownHead {
    if (!this.#heads.delete(segment)) this.#digests += known.digests.size;
    this.#heads.set(segment, known);
    for (const [oldest, { digests }] of this.#heads) {
      if (this.#digests <= MAX_DIGESTS || oldest === segment) break;
      this.#heads.delete(oldest);
      this.#digests -= digests.size;
    }
    return known;
  }

  /** The end, where this segment was the end before; undefined when it is no longer there. */
  async #endAfter(segment: number): Promise<number | undefined> {
    if (segment === 0) return undefined;
    const numbersAfter = (after: number): Promise<number[]> =>
      segmentsAfter(this.#s3, this.#bucket, after, PAGE);
    let [first, ...later] = await numbersAfter(segment - 1);
    if (first !== segment) {
      // It is another log now.
      this.#heads.clear();
      this.#digests = 0;
      return undefined;
    }
    for (; later.length > 0; later = await numbersAfter(segment)) segment = later.at(-1)!;
    return segment;
  }
}

const PAGE = 1_000;

function knownHead(head: SegmentHead): KnownHead {
  return { head: { ...head, keys: "" }, digests: new Set(headDigests(head)) };
}
