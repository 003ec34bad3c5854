import type { Outcome } from "../access/place-command.ts";
import type { Place } from "../access/place.ts";
import type { MappingStatus } from "../access/router-mapping.ts";
import { duration } from "../access/text-table.ts";
import { streamSummary } from "../replay/stream-shards.ts";
import { waitingShards, type WaitingShard } from "./waiting.ts";

/** Until when records that wait are still brought, as far as the oldest of them tells. */
export interface Deadlines {
  /** Arrival of the oldest record that waits, or of the next that comes. */
  readonly oldestAt: Date;
  /** From then on the mapping gives records up, to the failure bucket; undefined where it gives none up by age. */
  readonly givenUpAt: Date | undefined;
  /** From then on records are lost. */
  readonly lostAt: Date;
}

export function deadlines(
  [oldest]: readonly WaitingShard[],
  { maxRecordAgeSeconds }: Pick<MappingStatus, "maxRecordAgeSeconds">,
  retentionMs: number,
  now: Date,
): Deadlines {
  const oldestAt = oldest?.arrivedAt ?? now;
  const after = (ms: number): Date => new Date(oldestAt.getTime() + ms);
  const maxAgeMs = maxRecordAgeSeconds === undefined ? Infinity : maxRecordAgeSeconds * 1_000;
  return {
    oldestAt,
    givenUpAt: maxAgeMs < retentionMs ? after(maxAgeMs) : undefined,
    lostAt: after(retentionMs),
  };
}

/** Stops the mapping or starts it, and says what the stream's retention allows. */
export async function runSwitch(place: Place, on: boolean): Promise<Outcome> {
  const mapping = await place.mapping.enable(on);
  const now = new Date();
  const stream = await streamSummary(place.kinesis, place.stream);
  const waiting = await waitingShards(place, mapping.streamArn, stream, now);
  const at = deadlines(waiting, mapping, stream.retentionMs, now);
  const ok = at.lostAt > now;
  const json = {
    ok,
    mapping: mapping.uuid,
    state: mapping.state,
    retentionHours: stream.retentionMs / 3_600_000,
    waiting: waiting.map((shard) => ({ ...shard, arrivedAt: shard.arrivedAt.toISOString() })),
    ...(at.givenUpAt && { givenUpAt: at.givenUpAt.toISOString() }),
    lostAt: at.lostAt.toISOString(),
  };
  const text = [
    `${place.title}: the router's mapping ${mapping.uuid} is ${mapping.state}`,
    waitingText(waiting, now),
    ...(on ? resumedText(at, now) : pausedText(at, now)),
  ];
  return { ok, json, text: text.join("\n") };
}

function waitingText([oldest, ...others]: readonly WaitingShard[], now: Date): string {
  if (oldest === undefined) return "nothing waits in the stream";
  const age = duration((now.getTime() - oldest.arrivedAt.getTime()) / 1_000);
  const more = others.length === 0 ? "" : `, and ${others.length} shards more have some`;
  return `the oldest record that waits arrived ${age} ago, in ${oldest.shardId}${more}`;
}

function pausedText({ givenUpAt, lostAt }: Deadlines, now: Date): string[] {
  const inTime = (at: Date): string =>
    at > now ? `by ${at.toISOString()}, in ${duration((at.getTime() - now.getTime()) / 1_000)}` : "now";
  const advice = "Agents go on, and the stream keeps what they send. Resume with: weir resume";
  if (givenUpAt === undefined) return [advice, `Resume ${inTime(lostAt)}: what waits longer is lost.`];
  return [
    advice,
    `Resume ${inTime(givenUpAt)}: what waits longer is given up to the failure bucket, for weir replay --failed.`,
    `What waits beyond ${lostAt.toISOString()} is lost.`,
  ];
}

function resumedText({ givenUpAt, lostAt }: Deadlines, now: Date): string[] {
  if (lostAt <= now) return ["LOST: records have waited for longer than the stream keeps them."];
  if (givenUpAt === undefined || givenUpAt > now) return ["It goes on where it stopped."];
  return ["What has waited too long goes to the failure bucket; bring it in with: weir replay --failed"];
}
