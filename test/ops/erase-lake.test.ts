import { expect, test } from "vitest";
import { EraseLake } from "../../ops/erase/lake.ts";
import { VersionedS3 } from "./versioned-s3.ts";

test("an object of a bucket with versions is removed in all of them, and no other is", async () => {
  const s3 = new VersionedS3();
  for (let version = 0; version < 5; version++) s3.put("data/type=a/dt=2026-11-21/x", "old");
  s3.put("data/type=a/dt=2026-11-21/x"); // removed by somebody: its versions are still there
  s3.put("data/type=a/dt=2026-11-21/x-2", "another that begins so");
  s3.put("data/type=a/dt=2026-11-21/y", "kept");
  for (let i = 0; i < 2_100; i++) s3.put(`data/type=a/dt=2026-11-21/z${i}`, "many");
  const lake = new EraseLake({ s3: s3.client, bucket: "lake" });
  expect(await lake.isVersioned()).toBe(true);
  const gone = new Set(Array.from({ length: 2_100 }, (_, i) => `data/type=a/dt=2026-11-21/z${i}`));
  gone.add("data/type=a/dt=2026-11-21/x");
  expect(await lake.remove(gone, ["data/type=a/dt=2026-11-21/"], true)).toEqual([]);
  expect(s3.left).toEqual({ "data/type=a/dt=2026-11-21/x-2": 1, "data/type=a/dt=2026-11-21/y": 1 });
});

test("what S3 would not remove is told", async () => {
  const s3 = new VersionedS3();
  s3.put("data/type=a/dt=2026-11-21/x", "old");
  s3.locked.add("data/type=a/dt=2026-11-21/x");
  const lake = new EraseLake({ s3: s3.client, bucket: "lake" });
  const removed = lake.remove(new Set(["data/type=a/dt=2026-11-21/x"]), ["data/type=a/dt=2026-11-21/"], true);
  expect(await removed).toEqual([{ key: "data/type=a/dt=2026-11-21/x", error: "AccessDenied: Object Lock" }]);
});
