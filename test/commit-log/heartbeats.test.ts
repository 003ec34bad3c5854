import { gzipSync, zstdCompressSync } from "node:zlib";
import type { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { heartbeatObjects, readHeartbeats } from "../../lambdas/commit-log/heartbeats.ts";
import { ConditionalS3 } from "./conditional-s3.ts";
import { heartbeat, heartbeatLine, report, routedBeats } from "./heartbeat-fixture.ts";
import { putObject } from "./log-fixture.ts";

let server: ConditionalS3;
let s3: S3Client;
let bucket: string;
beforeAll(async () => {
  server = await ConditionalS3.start();
  s3 = server.s3;
});
beforeEach(() => {
  bucket = server.newBucket();
});
afterAll(() => server[Symbol.asyncDispose]());

const read = (key: string) => Array.fromAsync(readHeartbeats(s3, bucket, key));

const AT = new Date("2026-11-21T10:00:00.000Z");

test.each(["zstd", "gzip"] as const)(
  "reads back what agents sent and a router wrote: %s",
  async (compression) => {
    const gap = { from: 90, reason: "filtered", lines: 2 } as const;
    const beats = [
      heartbeat("web-1", AT, [
        report("/var/log/a.log", { delivered: 50, gap }),
        report('/b \u2028"é', { state: "error", error: "EACCES" }),
      ]),
      { ...heartbeat("web-2", AT), agent: { ...heartbeat("web-2", AT).agent, stopping: true } },
    ];
    const arrivals = [new Date("2026-11-21T10:00:00.007Z"), new Date("2026-11-21T10:00:59.990Z")];
    const lines = [heartbeatLine(beats[0]!, 0), heartbeatLine(beats[1]!, 4_096)];
    const { objects, commit } = routedBeats(lines, arrivals, { compression });
    const [named, ...others] = heartbeatObjects(commit);
    expect(others).toEqual([]);
    await putObject(s3, bucket, named!.key, Buffer.from(objects.find(({ key }) => key === named!.key)!.body));
    const stored = await read(named!.key);
    expect(stored).toEqual([
      { heartbeat: beats[0], src: lines[0]!.source!.id, off: 0, arrivedAt: arrivals[0] },
      { heartbeat: beats[1], src: lines[1]!.source!.id, off: 4_096, arrivedAt: arrivals[1] },
    ]);
  },
);

const place = { _src: "s", _off: 0, _arrived_at: "2026-11-21 10:00:00.250" };

test("names the row that is no heartbeat, and reads those around it; fields that it does not know it drops", async () => {
  const rows = [
    { ...place, ...heartbeat("web-1", AT), later: 1 },
    { ...place, at: "yesterday" },
    { ...place, ...heartbeat("web-2", AT), _arrived_at: "2026-11-21" },
    { ...place, ...heartbeat("web-3", AT) },
  ];
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  await putObject(s3, bucket, "data/x.ndjson.zst", zstdCompressSync(`${text}no json\n`));
  const stored = await read("data/x.ndjson.zst");
  expect(stored.map((row) => ("error" in row ? row.error.message : row.heartbeat.host))).toEqual([
    "web-1",
    "line 2 of data/x.ndjson.zst is no heartbeat",
    "line 3 of data/x.ndjson.zst is no heartbeat",
    "web-3",
    "line 5 of data/x.ndjson.zst is no heartbeat",
  ]);
});

test("tells what is gone, cut off or spoilt as one error, after what could be read", async () => {
  expect(await read("data/gone.ndjson.zst")).toMatchObject([{ error: { code: "BAD_HEARTBEAT" } }]);
  const row = `${JSON.stringify({ ...place, ...heartbeat("web-1", AT) })}\n`;
  const packed = gzipSync(row.repeat(3));
  await putObject(s3, bucket, "data/cut.ndjson.gz", packed.subarray(0, packed.length - 4));
  await putObject(s3, bucket, "data/text.ndjson.zst", Buffer.from(row));
  await putObject(s3, bucket, "data/half.ndjson.zst", zstdCompressSync(`${row}${row.slice(0, 50)}`));
  await putObject(s3, bucket, "data/long.ndjson.zst", zstdCompressSync(Buffer.alloc(17 * 2 ** 20, "x")));
  for (const [key, rows] of [
    ["data/cut.ndjson.gz", undefined],
    ["data/text.ndjson.zst", 0],
    ["data/half.ndjson.zst", 1],
    ["data/long.ndjson.zst", 0],
  ] as const) {
    const stored = await read(key);
    expect(stored.at(-1)).toMatchObject({ error: { message: expect.stringContaining(key) as string } });
    if (rows !== undefined) expect(stored).toHaveLength(rows + 1);
  }
});
