import {
  appendFile,
  copyFile,
  link,
  mkdir,
  open,
  rename,
  rm,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { reportFile } from "../../../agent/heartbeats.ts";
import { ROTATED_IDLE_MS } from "../tail-harness.ts";
import { expectNoRepeats, tailCase } from "./tail-case.ts";

const ANY = { glob: "*" };

tailCase(1, "renamed, and made anew", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await appendFile(tail.path("a.log"), "two\n");
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await writeFile(tail.path("a.log"), "three\n");
  await tail.poll();
  return ["one\ntwo\n", "three\n"];
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

tailCase(3, "a while without any file", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  for (let i = 0; i < 3; i++) await tail.poll();
  await writeFile(tail.path("a.log"), "two\n");
  await tail.poll();
  return ["one\n", "two\n"];
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
      if (generation > 0) await rename(tail.path("a.log"), tail.path("a.log.1"));
      model.push(`generation ${generation}\n`);
      await writeFile(tail.path("a.log"), model[generation]!);
      await tail.poll();
    }
    expectNoRepeats(tail);
    return model;
  },
  ANY,
);

tailCase(
  6,
  "moved to another directory that is followed too",
  async (tail) => {
    await mkdir(tail.path("old"));
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    await rename(tail.path("a.log"), tail.path("old/a.log"));
    await appendFile(tail.path("old/a.log"), "two\n");
    await tail.poll();
    expectNoRepeats(tail);
    return ["one\ntwo\n"];
  },
  { glob: "**/*.log" },
);

tailCase(
  7,
  "copied elsewhere and removed, with lines unread and the agent down",
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
    expectNoRepeats(tail);
    return ["one\ntwo\nthree\n"];
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
  expectNoRepeats(tail);
  return ["one\ntwo\n"];
});

tailCase(
  8,
  "copytruncate with everything read and the copy within the glob, restarted after",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    tail.acknowledge();
    await copyFile(tail.path("a.log"), tail.path("a.log.1"));
    await tail.poll();
    await truncate(tail.path("a.log"));
    await appendFile(tail.path("a.log"), "two\n");
    await tail.poll();
    tail.acknowledge();
    for (const file of tail.files) if (file.phase === "ended") tail.forget(file);
    await tail.restart(() => rename(tail.path("a.log.1"), tail.path("a.log.2")));
    await tail.poll();
    expectNoRepeats(tail);
    return ["one\n", "two\n"];
  },
  ANY,
);

for (const isDown of [false, true]) {
  tailCase(9, `copytruncate with lines unread${isDown ? " and the agent down" : ""}`, async (tail) => {
    const rotate = async (): Promise<void> => {
      await appendFile(tail.path("a.log"), "two\nthree\n");
      await copyFile(tail.path("a.log"), tail.path("a.log.1"));
      await truncate(tail.path("a.log"));
      await appendFile(tail.path("a.log"), "4\n");
    };
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    tail.acknowledge();
    if (isDown) await tail.restart(rotate);
    else await rotate();
    await tail.poll();
    return ["one\ntwo\nthree\n", "4\n"];
  });
}

tailCase(10, "truncated and grown beyond the position", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await writeFile(tail.path("a.log"), "two\nthree\nfour\n");
  await tail.poll();
  return ["one\n", "two\nthree\nfour\n"];
});

for (const isDown of [false, true]) {
  tailCase(11, `truncated, of the same first line and size${isDown ? ", while down" : ""}`, async (tail) => {
    const rewrite = async (): Promise<void> => {
      // Longer than a tick of the clock that files are stamped with.
      await sleep(20);
      await writeFile(tail.path("a.log"), "# head\ntwo\n");
    };
    await writeFile(tail.path("a.log"), "# head\none\n");
    await tail.poll();
    tail.acknowledge();
    if (isDown) await tail.restart(rewrite);
    else await rewrite();
    await tail.poll();
    return ["# head\none\n", "# head\ntwo\n"];
  });
}

tailCase(
  12,
  "compressed after its rotation, within the glob",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    await rename(tail.path("a.log"), tail.path("a.log.1"));
    await tail.poll();
    await writeFile(tail.path("a.log.1.gz"), "packed\n");
    await rm(tail.path("a.log.1"));
    await tail.poll();
    expect(tail.files.map(({ source }) => source.path)).toEqual([tail.path("a.log")]);
    return ["one\n"];
  },
  ANY,
);

tailCase(
  13,
  "a new name at midnight",
  async (tail) => {
    await writeFile(tail.path("a-2026-11-21.log"), "one\n");
    await tail.poll();
    await appendFile(tail.path("a-2026-11-21.log"), "two\n");
    await writeFile(tail.path("a-2026-11-22.log"), "three\n");
    await tail.poll();
    return ["one\ntwo\n", "three\n"];
  },
  { glob: "a-*.log" },
);

tailCase(14, "a symbolic link is switched", async (tail) => {
  await writeFile(tail.path("1"), "one\n");
  await symlink(tail.path("1"), tail.path("a.log"));
  await tail.poll();
  await writeFile(tail.path("2"), "two\n");
  await symlink(tail.path("2"), tail.path("next"));
  await rename(tail.path("next"), tail.path("a.log"));
  await appendFile(tail.path("1"), "late\n");
  await tail.poll();
  return ["one\nlate\n", "two\n"];
});

tailCase(15, "hard links, one of them removed", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await link(tail.path("a.log"), tail.path("b.log"));
  await tail.poll();
  await appendFile(tail.path("b.log"), "two\n");
  await tail.poll();
  await rm(tail.path("a.log"));
  await appendFile(tail.path("b.log"), "three\n");
  await tail.poll();
  expectNoRepeats(tail);
  return ["one\ntwo\nthree\n"];
});

tailCase(16, "deleted while its writer goes on", async (tail) => {
  const writer = await open(tail.path("a.log"), "a");
  await writer.write("one\n");
  await tail.poll();
  await rm(tail.path("a.log"));
  await writer.write("two\n");
  await tail.poll();
  await writer.write("three\n");
  await tail.poll();
  await writer.close();
  return ["one\ntwo\nthree\n"];
});

tailCase(17, "made again under its name and its inode", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await rm(tail.path("a.log"));
    await writeFile(tail.path("a.log"), "two\nand more\n");
  });
  await tail.poll();
  return ["one\n", "two\nand more\n"];
});

tailCase(18, "its inode given to a file of another name", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await rm(tail.path("a.log"));
    await writeFile(tail.path("b.log"), "two\nand more\n");
  });
  await tail.poll();
  const paths = new Set(tail.events.map(({ position }) => position.source.path));
  expect(paths).toEqual(new Set([tail.path("a.log"), tail.path("b.log")]));
  return ["one\n", "two\nand more\n"];
});

tailCase(
  19,
  "files that begin alike, each under a name that looks rotated",
  async (tail) => {
    const header = "# the same header in every file\n".repeat(64);
    for (const name of ["a.log", "a.log.1", "a.log.2"]) await writeFile(tail.path(name), header);
    await tail.poll();
    for (const name of ["a.log", "a.log.1", "a.log.2"]) await appendFile(tail.path(name), `${name}\n`);
    await tail.poll();
    await tail.poll();
    return ["a.log", "a.log.1", "a.log.2"].map((name) => `${header}${name}\n`);
  },
  ANY,
);

tailCase(20, "empty and tiny files", async (tail) => {
  const contents = ["", "\n", "x\n", "\n\n", "y"];
  for (const [i, content] of contents.entries()) await writeFile(tail.path(`${i}.log`), content);
  await tail.poll();
  expect(tail.events).toHaveLength(4);
  await tail.drain();
  return contents.slice(1);
});

tailCase(21, "replaced by a rename over it", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await writeFile(tail.path("next"), "two\n");
  await rename(tail.path("next"), tail.path("a.log"));
  await tail.poll();
  return ["one\n", "two\n"];
});

tailCase(22, "a rename that is undone", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await rename(tail.path("a.log"), tail.path("a.log.1"));
  await tail.poll();
  tail.pass(ROTATED_IDLE_MS);
  await tail.poll();
  await rename(tail.path("a.log.1"), tail.path("a.log"));
  await appendFile(tail.path("a.log"), "two\n");
  await tail.poll();
  expect(tail.files.map((file) => reportFile(file).state)).toEqual(["active"]);
  expectNoRepeats(tail);
  return ["one\ntwo\n"];
});
