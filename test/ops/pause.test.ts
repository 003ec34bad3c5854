import { expect, test } from "vitest";
import { deadlines } from "../../ops/pause/run.ts";

const HOUR_MS = 3_600_000;
const now = new Date("2026-11-21T10:00:00Z");
const waiting = (arrivedAt: string) => [
  { shardId: "shardId-000000000000", sequenceNumber: "1", arrivedAt: new Date(arrivedAt) },
];
const iso = (at: Date | undefined): string | undefined => at?.toISOString();

test("the oldest record that waits says until when the mapping has to go on", () => {
  const at = deadlines(waiting("2026-11-21T09:00:00Z"), { maxRecordAgeSeconds: 86_400 }, 168 * HOUR_MS, now);
  expect(iso(at.givenUpAt)).toBe("2026-11-22T09:00:00.000Z");
  expect(iso(at.lostAt)).toBe("2026-11-28T09:00:00.000Z");
});

test("where nothing waits, it is the next record's time that counts", () => {
  const at = deadlines([], { maxRecordAgeSeconds: undefined }, 24 * HOUR_MS, now);
  expect(iso(at.givenUpAt)).toBeUndefined();
  expect(iso(at.lostAt)).toBe("2026-11-22T10:00:00.000Z");
});

test("records are lost before they are given up, where the stream keeps them for less long", () => {
  const at = deadlines(waiting("2026-11-20T09:00:00Z"), { maxRecordAgeSeconds: 604_800 }, 24 * HOUR_MS, now);
  expect(at.givenUpAt).toBeUndefined();
  expect(at.lostAt < now).toBe(true);
});
