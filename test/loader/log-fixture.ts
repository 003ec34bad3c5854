import { GetObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import type { Commit } from "../../wire/commit.ts";
import type { Cursor } from "../../lambdas/commit-log/cursor.ts";
import { commitMinute, PREFIX, segmentKey } from "../../wire/keys.ts";
import { COMMIT_MAX_BYTES } from "../../wire/limits.ts";
import type { SegmentHead } from "../../wire/segment.ts";
import { putObject, segmentOf } from "../commit-log/log-fixture.ts";

interface Body {
  readonly key: string;
  readonly text: string;
}

/** What a sequencer says in a segment's head of these commits, as far as loaders read it. */
function headOf(bodies: readonly Body[]): Partial<SegmentHead> {
  const commits = bodies.filter(isReadable).flatMap(({ text }) => parsed(text) ?? []);
  const minutes = bodies.flatMap(({ key }) => commitMinute(key)?.toISOString() ?? []).toSorted();
  const last =
    bodies
      .map(({ key }) => key)
      .toSorted()
      .at(-1) ?? "";
  return {
    opaque: bodies.length - commits.length,
    coveredTo: last.slice(0, last.lastIndexOf("/") + 1),
    ...(minutes.length > 0 && { oldest: minutes[0]!, newest: minutes.at(-1)! }),
    types: [...new Set(commits.flatMap(({ types }) => Object.keys(types)))],
  };
}

const isReadable = ({ text }: Body): boolean => text.length <= COMMIT_MAX_BYTES && parsed(text) !== undefined;

function parsed(text: string): Commit | undefined {
  try {
    return JSON.parse(text) as Commit;
  } catch {
    return undefined;
  }
}

/** Puts the commits of a lake that its log does not have yet into the log, in the order of their keys. */
export class LogFixture {
  /** What the next segments say of how their commits were found. */
  found: SegmentHead["found"] = "listing";
  /** Commits in a segment. */
  maxCommits = 1_000;
  readonly #s3: S3Client;
  readonly #bucket: string;
  /** Keys of the commits, by segment. */
  readonly #segments: (readonly string[])[] = [];
  #sequencing: Promise<void> = Promise.resolve();

  constructor(s3: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#bucket = bucket;
  }

  /** An empty log. */
  reset(): void {
    this.found = "listing";
    this.maxCommits = 1_000;
    this.#segments.length = 0;
  }

  /** One at a time, as any number of sequencers in effect. */
  sequence(): Promise<void> {
    const done = this.#sequencing.then(() => this.#sequence());
    this.#sequencing = done.catch(() => {});
    return done;
  }

  async #sequence(): Promise<void> {
    const list = new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: PREFIX.commits });
    const { Contents = [] } = await this.#s3.send(list);
    const logged = new Set(this.#segments.flat());
    const keys = Contents.map(({ Key }) => Key!).filter((key) => !logged.has(key));
    for (let from = 0; from < keys.length; from += this.maxCommits) {
      await this.append(keys.slice(from, from + this.maxCommits));
    }
  }

  has(key: string): boolean {
    return this.#segments.some((keys) => keys.includes(key));
  }

  /** Keys of the commits before a place of the log. */
  before({ segment, index }: Cursor): string[] {
    return [
      ...this.#segments.slice(0, segment - 1),
      this.#segments[segment - 1]?.slice(0, index) ?? [],
    ].flat();
  }

  async append(keys: readonly string[], more: Partial<SegmentHead> = {}): Promise<void> {
    const bodies: Body[] = [];
    for (const key of keys) {
      const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      bodies.push({ key, text: await Body!.transformToString() });
    }
    const entries = bodies.map(({ key, text }) =>
      isReadable({ key, text })
        ? { key, body: Buffer.from(text) }
        : { key, unreadable: "no JSON, or too large" },
    );
    const head = { ...headOf(bodies), found: this.found, ...more };
    const number = this.#segments.push(keys);
    const { bytes } = await segmentOf(number, entries, head);
    await putObject(this.#s3, this.#bucket, segmentKey(number), bytes);
  }
}
