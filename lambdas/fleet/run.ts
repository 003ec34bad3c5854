import { PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { FLEET_PAGE_KEY, type FleetPage } from "../../wire/fleet-page.ts";
import { LOG_BEGINNING } from "../commit-log/cursor.ts";
import { SavedState } from "../commit-log/saved-state.ts";
import { FleetError } from "./fleet-error.ts";
import {
  type FleetLimits,
  type FleetSettings,
  type FleetState,
  fleetStateSchema,
  STATE_KEY,
} from "./fleet-state.ts";
import { Fleet } from "./fold.ts";
import { expectedHosts, type FleetTroubles, Judge, type Notice } from "./judge.ts";
import { type Message, messageOf } from "./message.ts";
import { fleetPage } from "./page.ts";
import { readLog, type ReadLog, type ReadLogParts } from "./read-log.ts";

/**
 * A first run, and one after a pause, begins so far back: before that nothing is of interest any more, and to read it
 * would take long.
 */
const LOOK_BACK_MS = 3_600_000;

export interface FleetParts extends ReadLogParts {
  readonly settings: FleetSettings;
  readonly limits: FleetLimits;
  /** Named in messages. */
  readonly stack: string;
  readonly now: () => Date;
  readonly publish: (message: Message) => Promise<void>;
}

export interface FleetReport {
  readonly heartbeats: number;
  readonly unreadable: number;
  /** What was told. */
  readonly notices: number;
  readonly counts: FleetPage["counts"];
  readonly hostsLeftOut: number;
  /** Age of the last heartbeat of any host; undefined where none is expected. */
  readonly lagSeconds: number | undefined;
  /** Why what changed could not be told. */
  readonly failure: FleetError | undefined;
}

/**
 * One run: what heartbeats say, what follows, what of that is new to those who are subscribed. It is told before it is
 * remembered as told, so a run that dies between the two repeats itself, and nothing stays untold.
 *
 * @throws CommitLogError BAD_STATE, STATE_CONFLICT @throws FleetError BAD_LOG
 */
export async function run(parts: FleetParts): Promise<FleetReport> {
  const { s3, bucket, settings, limits } = parts;
  const saved = savedState(s3, bucket);
  const state = await saved.read();
  const startedAt = parts.now();
  const lookBack = new Date(startedAt.getTime() - LOOK_BACK_MS);
  const from = state.savedAt < lookBack.getTime() ? { since: lookBack } : state.cursor;
  const fleet = new Fleet(state, limits);
  const read = await readLog(from, (heartbeat) => fleet.take(heartbeat), parts);
  const now = parts.now();
  const troubles: FleetTroubles = { silent: state.silent, crowded: state.crowded };
  const notices = new Judge(fleet, troubles, settings, now.getTime(), read.isAtEnd).notices();
  const failure = await tell(notices, fleet, parts, now);
  const page = fleetPage(fleet, troubles, now);
  await saved.save(stateOf(fleet, troubles, read, now));
  await putPage(s3, bucket, page);
  return {
    heartbeats: read.heartbeats,
    unreadable: read.unreadable,
    notices: failure ? 0 : notices.length,
    counts: page.counts,
    hostsLeftOut: page.hostsLeftOut,
    lagSeconds: lagSeconds(fleet, settings, now),
    failure,
  };
}

/** What cannot be told now is told by the next run, as it is then. */
async function tell(
  notices: readonly Notice[],
  fleet: Fleet,
  { publish, stack, settings }: FleetParts,
  now: Date,
): Promise<FleetError | undefined> {
  const expected = expectedHosts(fleet, settings);
  const message = messageOf(notices, { stack, now, expected, hostsLeftOut: fleet.leftOut.size });
  if (message === undefined) return undefined;
  try {
    await publish(message);
  } catch (cause) {
    const hint = "is the topic there, and may this function publish to it and use its key?";
    return new FleetError("NOT_TOLD", `${message.subject}: ${(cause as Error).message}`, hint, { cause });
  }
  for (const notice of notices) notice.told();
  return undefined;
}

function savedState(s3: S3Client, bucket: string): SavedState<FleetState> {
  const initial = { version: 1, cursor: LOG_BEGINNING, savedAt: 0, heardAt: null, hosts: [] } as const;
  return new SavedState<FleetState>({
    s3,
    bucket,
    key: STATE_KEY,
    initial: { ...initial, hosts: [] },
    parse: (value) => fleetStateSchema.parse(value),
    hint: "remove it: fleet watch begins anew, and tells again what is wrong",
  });
}

function stateOf(
  fleet: Fleet,
  { silent, crowded }: FleetTroubles,
  { cursor }: ReadLog,
  now: Date,
): FleetState {
  return {
    version: 1,
    cursor,
    savedAt: now.getTime(),
    heardAt: fleet.heardAt,
    hosts: [...fleet.hosts.values()],
    ...(silent && { silent }),
    ...(crowded && { crowded }),
  };
}

async function putPage(s3: S3Client, bucket: string, page: FleetPage): Promise<void> {
  const Body = Buffer.from(JSON.stringify(page));
  const object = { Bucket: bucket, Key: FLEET_PAGE_KEY, Body, ContentLength: Body.length };
  await s3.send(new PutObjectCommand({ ...object, ContentType: "application/json" }));
}

function lagSeconds(fleet: Fleet, settings: FleetSettings, now: Date): number | undefined {
  if (fleet.heardAt === null || expectedHosts(fleet, settings).length === 0) return undefined;
  return Math.max(0, (now.getTime() - fleet.heardAt) / 1_000);
}
