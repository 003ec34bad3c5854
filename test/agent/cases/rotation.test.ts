import { execFile } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtempDisposable,
  open,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { reportFile } from "../../../agent/progress/heartbeats.ts";
import { ROTATED_IDLE_MS } from "../tail-harness.ts";
import { tailCase } from "./tail-case.ts";

const ANY = { glob: "*" };

const run = promisify(execFile);

tailCase(1, "renamed, and made anew, while its writer goes on for a moment", async (tail) => {
  const writer = await open(tail.path("a.log"), "a");
  await writer.write("one\n");
  await tail.poll();
  await writer.write("two\n");
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await writeFile(tail.path("a.log"), "three\n");
  await tail.poll();
  await writer.write("late\n");
  await writer.close();
  await tail.poll();
  tail.pass(ROTATED_IDLE_MS);
  await tail.poll();
  tail.acknowledge();
  expect(tail.files.map(reportFile)).toMatchObject([
    { path: tail.path("a.log"), state: "ended", finalSize: 13, delivered: 13 },
    { path: tail.path("a.log"), state: "active", finalSize: null, delivered: 6 },
  ]);
  return ["one\ntwo\nlate\n", "three\n"];
});

tailCase(2, "a writer that keeps the old file open for longer than a minute", async (tail) => {
  const writer = await open(tail.path("a.log"), "a");
  await writer.write("one\n");
  await tail.poll();
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await writeFile(tail.path("a.log"), "new\n");
  for (const line of ["two\n", "three\n", "four\n"]) {
    tail.pass(ROTATED_IDLE_MS - 5_000);
    await writer.write(line);
    await tail.poll();
  }
  await writer.close();
  return ["one\ntwo\nthree\nfour\n", "new\n"];
});

for (const glob of ["*.log", "*"]) {
  tailCase(
    2,
    `a writer that says nothing for so long that its file has ended, and then goes on; glob ${glob}`,
    async (tail) => {
      await using writer = await open(tail.path("a.log"), "a");
      await writer.write("one\n");
      await tail.poll();
      await rename(tail.path("a.log"), tail.path("a.log.1"));
      await writeFile(tail.path("a.log"), "new\n");
      await tail.poll();
      tail.pass(ROTATED_IDLE_MS);
      await tail.poll();
      tail.acknowledge();
      expect(reportFile(tail.files[0]!)).toMatchObject({ state: "ended", finalSize: 4 });
      await writer.write("late\n");
      tail.pass(30_000);
      await tail.poll();
      expect(reportFile(tail.files[0]!)).toMatchObject({ state: "rotated", finalSize: null });
      return ["one\nlate\n", "new\n"];
    },
    { glob },
  );
}

tailCase(
  2,
  "a file that has ended, and goes on while it is given another number and no agent runs",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    await rename(tail.path("a.log"), tail.path("a.log.1"));
    await writeFile(tail.path("a.log"), "new\n");
    await tail.poll();
    tail.pass(ROTATED_IDLE_MS);
    await tail.poll();
    tail.acknowledge();
    expect(tail.files.map((file) => reportFile(file).state)).toEqual(["ended", "active"]);
    await tail.restart(async () => {
      await rename(tail.path("a.log.1"), tail.path("a.log.2"));
      await appendFile(tail.path("a.log.2"), "late\n");
    });
    await tail.poll();
    return ["one\nlate\n", "new\n"];
  },
);

tailCase(3, "a while without any file, lines still coming, and a crash in it", async (tail) => {
  const writer = await open(tail.path("a.log"), "a");
  await writer.write("one\n");
  await tail.poll();
  tail.acknowledge();
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  for (const line of ["two\n", "three\n"]) {
    await writer.write(line);
    await tail.poll();
    tail.acknowledge();
  }
  await tail.restart(async () => void (await writer.write("four\n")));
  await writer.close();
  await tail.poll();
  tail.pass(2 * ROTATED_IDLE_MS);
  await tail.poll();
  await writeFile(tail.path("a.log"), "five\n");
  await tail.poll();
  return ["one\ntwo\nthree\nfour\n", "five\n"];
});

tailCase(4, "two rotations between two looks", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await appendFile(tail.path("a.log"), "late\n");
  await rename(tail.path("a.log"), tail.path("a.log.2"));
  await writeFile(tail.path("a.log.1"), "two\n");
  await writeFile(tail.path("a.log"), "three\n");
  await tail.poll();
  return ["one\nlate\n", "two\n", "three\n"];
});

tailCase(
  5,
  "a chain of numbers within the glob",
  async (tail) => {
    const model: string[] = [];
    for (let generation = 0; generation < 4; generation++) {
      for (let n = generation - 1; n >= 1; n--)
        await rename(tail.path(`a.log.${n}`), tail.path(`a.log.${n + 1}`));
      if (generation > 0) {
        await appendFile(tail.path("a.log"), "late\n");
        await rename(tail.path("a.log"), tail.path("a.log.1"));
        model[generation - 1] += "late\n";
      }
      model.push(`generation ${generation}\n`);
      await writeFile(tail.path("a.log"), model[generation]!);
      await tail.poll();
      tail.acknowledge();
      if (generation === 2) await tail.restart();
    }
    return model;
  },
  ANY,
);

for (const isDown of [false, true]) {
  tailCase(
    6,
    `moved to another directory that is followed too${isDown ? ", under another name, while down" : ""}`,
    async (tail) => {
      await mkdir(tail.path("old"));
      await writeFile(tail.path("a.log"), "one\n");
      await tail.poll();
      tail.acknowledge();
      const move = async (): Promise<void> => {
        const moved = tail.path(isDown ? "old/b.log" : "old/a.log");
        await rename(tail.path("a.log"), moved);
        await appendFile(moved, "two\n");
        await writeFile(tail.path("a.log"), "new\n");
      };
      if (isDown) await tail.restart(move);
      else await move();
      await tail.poll();
      return ["one\ntwo\n", "new\n"];
    },
    { glob: "**/*.log" },
  );
}

for (const isDown of [false, true]) {
  tailCase(
    6,
    `moved out of sight${isDown ? " while down, which is told of" : " and read on by its handle"}`,
    async (tail) => {
      await mkdir(tail.path("archive"));
      await writeFile(tail.path("a.log"), "one\n");
      await tail.poll();
      tail.acknowledge();
      const move = async (): Promise<void> => {
        await rename(tail.path("a.log"), tail.path("archive/elsewhere"));
        await appendFile(tail.path("archive/elsewhere"), "two\n");
      };
      if (isDown) await tail.restart(move);
      else await move();
      await tail.poll();
      const told = {
        state: "error",
        delivered: 4,
        finalSize: null,
        error: expect.stringContaining("byte 4"),
      };
      expect(tail.files.map(reportFile)).toMatchObject([isDown ? told : { state: "rotated", read: 8 }]);
      return isDown ? ["one\n"] : ["one\ntwo\n"];
    },
  );
}

const SHM = "/dev/shm";
const isOther = existsSync(SHM) && statSync(SHM).dev !== statSync(tmpdir()).dev;
if (!isOther) test.skip("case 7: copied to another file system (needs another one at /dev/shm)");
for (const isDown of isOther ? [false, true] : []) {
  tailCase(
    7,
    `moved to another file system, with lines ${isDown ? "delivered, and the agent down" : "unread"}`,
    async (tail) => {
      await using other = await mkdtempDisposable(join(SHM, "weir-tail-"));
      await symlink(other.path, tail.path("old"));
      await writeFile(tail.path("a.log"), "one\ntwo\n");
      await tail.poll();
      tail.acknowledge();
      if (!isDown) await appendFile(tail.path("a.log"), "three\n");
      const move = () => run("mv", [tail.path("a.log"), tail.path("old/a.log")]);
      if (isDown) await tail.restart(async () => void (await move()));
      else await move();
      await tail.poll();
      await appendFile(tail.path("old/a.log"), "four\n");
      await tail.poll();
      tail.pass(ROTATED_IDLE_MS);
      await tail.poll();
      tail.acknowledge();
      await tail.restart();
      await tail.poll();
      return [isDown ? "one\ntwo\nfour\n" : "one\ntwo\nthree\nfour\n"];
    },
    { glob: "**/*.log", settings: { follow_links: [SHM] } },
  );
}

tailCase(
  7,
  "copied elsewhere and removed with the agent down: nothing tells it from another file, and it is delivered",
  async (tail) => {
    await mkdir(tail.path("old"));
    await writeFile(tail.path("a.log"), "one\ntwo\n");
    await tail.poll();
    tail.acknowledge();
    await tail.restart(async () => {
      await appendFile(tail.path("a.log"), "three\n");
      await copyFile(tail.path("a.log"), tail.path("old/a.log"));
      await rm(tail.path("a.log"));
    });
    await tail.poll();
    return ["one\ntwo\n", "one\ntwo\nthree\n"];
  },
  { glob: "**/*.log" },
);

tailCase(7, "copied to a rotated name and removed before the agent's eyes", async (tail) => {
  await writeFile(tail.path("a.log"), "one\ntwo\n");
  await tail.poll();
  await copyFile(tail.path("a.log"), tail.path("a.log.1"));
  await rm(tail.path("a.log"));
  await tail.poll();
  tail.pass(ROTATED_IDLE_MS);
  await tail.poll();
  tail.acknowledge();
  await tail.restart();
  await tail.poll();
  return ["one\ntwo\n"];
});
