import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { Commit, LakeObject } from "../../wire/commit.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import { rejectedLineSchema } from "../../wire/reject.ts";
import type { Place } from "../access/place.ts";
import { readCommits } from "../commits/read-commits.ts";
import { linesOf, UnreadableObject } from "../erase/lines.ts";

/** What routers did in the last hours, by their commits. Heartbeats are left out. */
export interface RoutedFacts {
  readonly hours: number;
  readonly batches: number;
  readonly lines: number;
  readonly rows: number;
  readonly rejected: number;
  readonly quarantined: number;
  /** Of objects of rows, as they are stored. */
  readonly lakeBytes: number;
  /** Of records on the stream. */
  readonly streamBytes: number;
  readonly objects: number;
  readonly unreadableCommits: number;
  /** Rejected lines by type, reason and field, of the newest objects that were looked at. */
  readonly reasons: readonly RejectCount[];
  /** Rejected lines that were looked at. */
  readonly sampled: number;
}

interface RejectCount {
  readonly type: string;
  readonly reason: string;
  readonly field?: string;
  readonly lines: number;
}

/** Of rejected lines so much is looked at: the newest say what is wrong now. */
const SAMPLED_OBJECTS = 20;
const SAMPLED_OBJECT_BYTES = 4 * 2 ** 20;

export async function routedFacts(place: Place, hours: number, now: Date): Promise<RoutedFacts> {
  const since = new Date(now.getTime() - hours * 3_600_000);
  const sums = new RoutedSums();
  for await (const found of readCommits(place, { since })) {
    if ("commit" in found) sums.add(found.commit);
    else sums.unreadableCommits++;
  }
  const { reasons, sampled } = await sampleReasons(place, sums.rejectedObjects);
  return { hours, ...sums.counts, reasons, sampled };
}

/** Adds up commits, each batch once. */
export class RoutedSums {
  unreadableCommits = 0;
  /** The newest, as far as they are to be looked at. */
  readonly rejectedObjects: LakeObject[] = [];
  readonly #batches = new Set<string>();
  readonly #sums = {
    lines: 0,
    rows: 0,
    rejected: 0,
    quarantined: 0,
    lakeBytes: 0,
    streamBytes: 0,
    objects: 0,
  };

  add({ batchId, types, objects, quarantined, bytes }: Commit): void {
    if (this.#batches.has(batchId)) return;
    this.#batches.add(batchId);
    const sums = this.#sums;
    sums.quarantined += quarantined;
    sums.streamBytes += bytes;
    sums.objects += objects.length + 1;
    for (const [type, counts] of Object.entries(types)) {
      if (type === HEARTBEAT_TYPE) continue;
      // Lines that are filed anew are counted already.
      sums.lines += counts.lines - counts.reparsed;
      sums.rows += counts.rows;
      sums.rejected += counts.rejected - counts.reparsed;
    }
    for (const object of objects) {
      if (object.kind === "data" && object.type !== HEARTBEAT_TYPE) sums.lakeBytes += object.bytes;
      if (object.kind === "rejected" && object.bytes <= SAMPLED_OBJECT_BYTES)
        this.rejectedObjects.push(object);
    }
    this.rejectedObjects.splice(0, this.rejectedObjects.length - SAMPLED_OBJECTS);
  }

  get counts() {
    return { batches: this.#batches.size, ...this.#sums, unreadableCommits: this.unreadableCommits };
  }
}

async function sampleReasons(
  { s3, bucket }: Pick<Place, "s3" | "bucket">,
  objects: readonly LakeObject[],
): Promise<Pick<RoutedFacts, "reasons" | "sampled">> {
  const counts = new Map<string, RejectCount>();
  let sampled = 0;
  for (const { key } of objects) {
    for (const line of await rejectedLines(s3, bucket, key)) {
      const parsed = rejectedLineSchema.safeParse(JSON.parse(line.toString()));
      if (!parsed.success) continue;
      const { type, reason, field } = parsed.data;
      const name = JSON.stringify([type, reason, field]);
      const lines = (counts.get(name)?.lines ?? 0) + 1;
      counts.set(name, { type, reason, ...(field !== undefined && { field }), lines });
      sampled++;
    }
  }
  return { reasons: [...counts.values()].sort((a, b) => b.lines - a.lines), sampled };
}

/** One that is gone or spoilt has nothing to say here: the audit tells of it. */
async function rejectedLines(s3: Place["s3"], bucket: string, key: string): Promise<Buffer[]> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return await linesOf(key, Buffer.from(await Body!.transformToByteArray()));
  } catch (error) {
    if ((error as Error).name === "NoSuchKey" || error instanceof UnreadableObject) return [];
    throw error;
  }
}
