import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { pino } from "pino";
import { expect, test } from "vitest";
import type { AgentState } from "../../agent/progress/checkpoint-schema.ts";
import { CheckpointFile } from "../../agent/progress/checkpoint.ts";
import { mountSmallDisk } from "./small-disk.ts";
import { PowerLossFs } from "./power-loss-fs.ts";

/** As long as a real one with a few hundred files. */
const state = (offset: number): AgentState => ({
  rules: Array.from({ length: 300 }, (_, i) => `rule ${i} ${"x".repeat(offset % 50)}`),
  files: [],
  copies: [],
  spool: { sourceId: "source", offset },
});

const chances = fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }));

test("power lost at any operation of any save leaves the old checkpoint or the new one", async () => {
  const outcome = fc.asyncProperty(
    fc.array(fc.record({ operations: fc.nat(8), isPowerLoss: fc.boolean() }), { minLength: 1, maxLength: 6 }),
    chances,
    async (crashes, chances) => {
      const fs = new PowerLossFs();
      let [saved, offset] = [0, 0];
      for (const { operations, isPowerLoss } of crashes) {
        let left = Infinity;
        const crashed = Promise.withResolvers<void>();
        fs.before = async () => {
          if (--left >= 0) return;
          crashed.resolve();
          await new Promise(() => {});
        };
        const checkpoint = new CheckpointFile("/state", fs);
        await checkpoint.save(state(++offset), new Date());
        saved = offset;
        left = operations;
        // The next one is begun, and done with only if the process lives that long.
        const next = checkpoint.save(state(++offset), new Date()).then(() => (saved = offset));
        await Promise.race([next, crashed.promise]);
        fs.before = () => {};
        if (isPowerLoss) fs.powerLoss(() => chances.next().value as number);
        const { spool } = await new CheckpointFile("/state", fs).load();
        expect([saved, offset]).toContain(spool?.offset);
      }
    },
  );
  await fc.assert(outcome, { numRuns: 200 });
});

test("a save that fails leaves the old checkpoint, and the next one is whole", async () => {
  const fs = new PowerLossFs();
  const checkpoint = new CheckpointFile("/state", fs);
  await checkpoint.save(state(1), new Date());
  for (const failing of ["create", "write", "datasync", "rename"] as const) {
    fs.before = (operation) => {
      if (operation === failing) throw new Error(`EIO: i/o error, ${operation}`);
    };
    await expect(checkpoint.save(state(2), new Date())).rejects.toMatchObject({ code: "CHECKPOINT_WRITE" });
    fs.before = () => {};
    expect(await new CheckpointFile("/state", fs).load()).toMatchObject(state(1));
  }
  await checkpoint.save(state(3), new Date());
  fs.powerLoss(() => 0.4);
  expect(await new CheckpointFile("/state", fs).load()).toMatchObject(state(3));
});

test("on a disk that others have filled there is room for checkpoints, until they take that, too", async ({
  skip,
}) => {
  const directory = await mkdtemp(join(tmpdir(), "weir-checkpoint-"));
  using disk = await mountSmallDisk(join(directory, "small"));
  if (disk === undefined) skip("this user may not mount a small disk");
  const checkpoint = new CheckpointFile(join(directory, "small"));
  await checkpoint.save(state(1), new Date());
  await fill(join(directory, "small/others"));
  await checkpoint.save(state(2), new Date());
  await fill(join(directory, "small/more"));
  await expect(checkpoint.save(state(3), new Date())).rejects.toMatchObject({
    code: "CHECKPOINT_WRITE",
    message: expect.stringContaining("ENOSPC"),
  });
  expect(await new CheckpointFile(join(directory, "small")).load()).toMatchObject(state(2));
  await rm(join(directory, "small/more"));
  await checkpoint.save(state(4), new Date());
  expect(await new CheckpointFile(join(directory, "small")).load()).toMatchObject(state(4));
});

/** Takes all the room that there is. */
async function fill(path: string): Promise<void> {
  const page = Buffer.alloc(4_096, "x");
  await using file = await open(path, "w");
  try {
    for (;;) await file.write(page);
  } catch (error) {
    expect(error).toMatchObject({ code: "ENOSPC" });
  }
}

test("a checkpoint that fails again and again is told once, and counted each time", async () => {
  const fs = new PowerLossFs();
  const checkpoint = new CheckpointFile("/state", fs);
  const told: string[] = [];
  const log = pino({}, { write: (line) => void told.push(line) });
  for (const failure of ["EIO: i/o error", "EIO: i/o error", "EROFS: read-only file system"]) {
    fs.before = () => {
      throw new Error(failure);
    };
    expect(await checkpoint.trySave(state(1), log)).toBe(false);
  }
  expect(told).toEqual([expect.stringContaining("EIO"), expect.stringContaining("EROFS")]);
  expect(checkpoint.failures).toBe(3);
  fs.before = () => {};
  expect(await checkpoint.trySave(state(1), log)).toBe(true);
});
