import { appendFile, copyFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { CheckpointFile, makeStateDirectory } from "../../../agent/progress/checkpoint.ts";
import { reportFile } from "../../../agent/progress/heartbeats.ts";
import { lines } from "../agent-fixture.ts";
import { ROTATED_IDLE_MS, TailHarness } from "../tail-harness.ts";
import { tailCase } from "./tail-case.ts";

tailCase(29, "down over one rotation", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await appendFile(tail.path("a.log"), "two\n");
    await rename(tail.path("a.log"), tail.path("a.log.1"));
    await writeFile(tail.path("a.log"), "three\n");
  });
  await tail.poll();
  return ["one\ntwo\n", "three\n"];
});

tailCase(30, "down over three rotations", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await appendFile(tail.path("a.log"), "late\n");
    await rename(tail.path("a.log"), tail.path("a.log.3"));
    await writeFile(tail.path("a.log.2"), "two\n");
    await writeFile(tail.path("a.log.1"), "three\n");
    await writeFile(tail.path("a.log"), "four\n");
  });
  await tail.poll();
  return ["one\nlate\n", "two\n", "three\n", "four\n"];
});

/** What is done at the moment of the kill, and the lines that come again after it. */
const KILLS: readonly (readonly [string, (tail: TailHarness) => void | Promise<void>, readonly string[]])[] =
  [
    ["read, and not sent", (tail) => tail.loseUnsent(), []],
    ["sent, and not acknowledged", () => {}, ["two"]],
  ];
for (const [moment, kill, again] of KILLS) {
  tailCase(
    31,
    `killed when the last line was ${moment}`,
    async (tail) => {
      await writeFile(tail.path("a.log"), "one\n");
      await tail.poll();
      tail.acknowledge();
      await tail.restart();
      await appendFile(tail.path("a.log"), "two\n");
      await tail.poll();
      await kill(tail);
      await tail.restart(() => appendFile(tail.path("a.log"), "three\n"));
      await tail.poll();
      expect(tail.events.map(({ text }) => text)).toEqual(["one", "two", ...again, "three"]);
      return ["one\ntwo\nthree\n"];
    },
    { mayRepeat: true },
  );
}

tailCase(
  31,
  "killed when a rotated file had ended and not arrived, and the file deleted: what is lost is told",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    tail.acknowledge();
    await appendFile(tail.path("a.log"), "two\n");
    await rename(tail.path("a.log"), tail.path("a.log.1"));
    await tail.poll();
    tail.pass(ROTATED_IDLE_MS);
    for (let i = 0; i < 2; i++) await tail.poll();
    tail.loseUnsent();
    await tail.restart(() => rm(tail.path("a.log.1")));
    await tail.poll();
    const error = expect.stringContaining("after byte 4 is unknown");
    expect(tail.files.map(reportFile)).toMatchObject([
      { state: "error", delivered: 4, finalSize: null, error },
    ]);
    return ["one\n"];
  },
);

tailCase(
  31,
  "killed right after the first read, and the file truncated and written anew",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\ntwo\n");
    await tail.poll();
    await tail.crash(() => writeFile(tail.path("a.log"), "three\nfour\nfive\n"));
    await tail.poll();
    return ["one\ntwo\n", "three\nfour\nfive\n"];
  },
  { mayRepeat: true },
);

tailCase(
  31,
  "killed, with its state lost and the file truncated and written anew",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    await tail.loseState(async () => {
      await truncate(tail.path("a.log"));
      await appendFile(tail.path("a.log"), "two\n");
    });
    await tail.poll();
    return ["one\n", "two\n"];
  },
  { mayRepeat: true },
);

tailCase(
  31,
  "killed with its state lost: what is sent again has its identity again",
  async (tail) => {
    await writeFile(tail.path("a.log"), "");
    await tail.poll();
    await appendFile(tail.path("a.log"), "one\nand half");
    await tail.poll();
    await tail.loseState(() => appendFile(tail.path("a.log"), " a line\ntwo\n"));
    await tail.poll();
    expect(tail.events.map(({ text }) => text)).toEqual(["one", "one", "and half a line", "two"]);
    return ["one\nand half a line\ntwo\n"];
  },
  { mayRepeat: true },
);

tailCase(
  31,
  "killed after rotated names were shifted and the file was copied and truncated",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    await rename(tail.path("a.log"), tail.path("a.log.1"));
    await writeFile(tail.path("a.log"), "two, and longer\n");
    await tail.poll();
    tail.acknowledge();
    await tail.restart();
    await tail.poll();
    await rename(tail.path("a.log.1"), tail.path("a.log.2"));
    await copyFile(tail.path("a.log"), tail.path("a.log.1"));
    await truncate(tail.path("a.log"));
    await appendFile(tail.path("a.log"), "three\n");
    await tail.poll();
    await tail.crash();
    await tail.drain();
    return ["one\n", "two, and longer\n", "three\n"];
  },
  { mayRepeat: true },
);

test("case 32: killed inside a write of the state", async () => {
  await using tail = await TailHarness.make();
  await makeStateDirectory(tail.path("state"));
  const checkpoint = new CheckpointFile(tail.path("state"));
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  const state = { ...tail.state, spool: undefined };
  await checkpoint.save(state, new Date());
  for (const torn of ["", '{"version":1,"fi', "\0\0\0\0"]) {
    await writeFile(`${checkpoint.path}.new`, torn);
    expect(await new CheckpointFile(tail.path("state")).load()).toEqual({
      ...state,
      savedAtMs: expect.any(Number),
    });
  }
});

tailCase(33, "power lost: a file is shorter than what was delivered of it", async (tail) => {
  await writeFile(tail.path("a.log"), "one\ntwo\nthree\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await truncate(tail.path("a.log"), 8);
    await appendFile(tail.path("a.log"), "four\n");
  });
  await tail.poll();
  // What is there now are other bytes: under the old identity `four` would pass for `three`.
  return ["one\ntwo\nthree\n", "one\ntwo\nfour\n"];
});

tailCase(34, "power lost: a file whose last block came back as zeros", async (tail) => {
  const kept = lines(20);
  await writeFile(tail.path("a.log"), `${kept}delivered\n`);
  await tail.poll();
  tail.acknowledge();
  const zeros = Buffer.alloc(100);
  await tail.restart(() => writeFile(tail.path("a.log"), Buffer.concat([Buffer.from(kept), zeros])));
  await tail.poll();
  await appendFile(tail.path("a.log"), "new\n");
  await tail.poll();
  return [`${kept}delivered\n`, `${kept}${"?".repeat(100)}new\n`];
});
