import { statSync } from "node:fs";
import { appendFile, link, mkdir, open, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { reportFile } from "../../../agent/progress/heartbeats.ts";
import { type FileIdentity, identify } from "../../../agent/tail/disk/file-identity.ts";
import type { TailState } from "../../../agent/tail/files/tail-state.ts";
import { ROTATED_IDLE_MS } from "../tail-harness.ts";
import { tailCase } from "./tail-case.ts";

const ANY = { glob: "*" };

/** As gzip does it. */
async function compress(path: string): Promise<void> {
  await writeFile(`${path}.gz`, gzipSync(await readFile(path)));
  await rm(path);
}

/** A state whose files were others. */
function withIdentity(state: TailState, change: (file: FileIdentity) => FileIdentity): TailState {
  const files = state.files.map(({ record, resume }) => {
    return { record: { ...record, file: change(record.file) }, resume };
  });
  return { ...state, files };
}

tailCase(
  12,
  "compressed after its rotation, within the glob",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    await appendFile(tail.path("a.log"), "two\n");
    await rename(tail.path("a.log"), tail.path("a.log.1"));
    await writeFile(tail.path("a.log"), "three\n");
    await compress(tail.path("a.log.1"));
    await tail.poll();
    expect(tail.files.map(({ source }) => source.path)).toEqual([tail.path("a.log"), tail.path("a.log")]);
    tail.acknowledge();
    await tail.restart();
    await tail.poll();
    return ["one\ntwo\n", "three\n"];
  },
  ANY,
);

tailCase(
  12,
  "compressed while the agent was down, and read on where it was left",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    tail.acknowledge();
    await tail.restart(async () => {
      await appendFile(tail.path("a.log"), "two\n");
      await rename(tail.path("a.log"), tail.path("a.log.1"));
      await writeFile(tail.path("a.log"), "three\n");
      await compress(tail.path("a.log.1"));
    });
    await tail.poll();
    await tail.poll();
    tail.acknowledge();
    expect(tail.files.map(reportFile)).toMatchObject([
      { state: "active", read: 6 },
      { state: "ended", delivered: 8, finalSize: 8 },
    ]);
    return ["one\ntwo\n", "three\n"];
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
    tail.pass(2 * ROTATED_IDLE_MS);
    await tail.poll();
    await appendFile(tail.path("a-2026-11-21.log"), "late\n");
    await tail.poll();
    return ["one\ntwo\nlate\n", "three\n"];
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

tailCase(14, "what a symbolic link leads to is rotated twice while down", async (tail) => {
  await mkdir(tail.path("pod"));
  await writeFile(tail.path("pod/0.log"), "one\n");
  await symlink(tail.path("pod/0.log"), tail.path("a.log"));
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await appendFile(tail.path("pod/0.log"), "late\n");
    await rename(tail.path("pod/0.log"), tail.path("pod/0.log.20261121-101500"));
    await writeFile(tail.path("pod/0.log.20261121-101900"), "two\n");
    await writeFile(tail.path("pod/0.log"), "three\n");
  });
  await tail.poll();
  return ["one\nlate\n", "two\n", "three\n"];
});

tailCase(15, "hard links, one of them removed, another made, and one renamed", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await link(tail.path("a.log"), tail.path("b.log"));
  await tail.poll();
  tail.pass(ROTATED_IDLE_MS);
  await tail.poll();
  expect(tail.files.map((file) => reportFile(file).state)).toEqual(["active"]);
  await appendFile(tail.path("b.log"), "two\n");
  await tail.poll();
  await rm(tail.path("a.log"));
  await appendFile(tail.path("b.log"), "three\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await link(tail.path("b.log"), tail.path("c.log"));
    await appendFile(tail.path("c.log"), "four\n");
  });
  await tail.poll();
  await rename(tail.path("b.log"), tail.path("b.log.1"));
  await writeFile(tail.path("b.log"), "new\n");
  await appendFile(tail.path("c.log"), "five\n");
  await tail.poll();
  return ["one\ntwo\nthree\nfour\nfive\n", "new\n"];
});

tailCase(16, "deleted while its writer goes on", async (tail) => {
  const writer = await open(tail.path("a.log"), "a");
  await writer.write("one\n");
  await tail.poll();
  await rm(tail.path("a.log"));
  await writer.write("two\n");
  await tail.poll();
  await writer.write("three");
  await writer.close();
  tail.pass(ROTATED_IDLE_MS - 5_000);
  await tail.poll();
  tail.pass(ROTATED_IDLE_MS);
  for (let i = 0; i < 2; i++) await tail.poll();
  tail.acknowledge();
  expect(tail.files.map(reportFile)).toMatchObject([{ state: "ended", finalSize: 13, delivered: 13 }]);
  return ["one\ntwo\nthree"];
});

for (const [number, name, what] of [
  [17, "a.log", "made again under its name and its inode"],
  [18, "b.log", "its inode given to a file of another name"],
] as const) {
  for (const isSameBirth of [false, true]) {
    const birth = isSameBirth ? "by birth times that do not tell, either" : "told by its birth";
    tailCase(number, `${what}; ${birth}`, async (tail) => {
      await writeFile(tail.path("a.log"), "one\n");
      await tail.poll();
      tail.acknowledge();
      const replace = async (): Promise<void> => {
        await rm(tail.path("a.log"));
        await writeFile(tail.path(name), "two\nand more\n");
      };
      // Whether the system gives the inode again is up to its file system: the state says that it did.
      await tail.restart(replace, (state) => {
        const { dev, ino, birthtimeNs } = identify(statSync(tail.path(name), { bigint: true }));
        return withIdentity(state, ({ birthtimeNs: before }) => {
          return { dev, ino, birthtimeNs: isSameBirth ? birthtimeNs : before };
        });
      });
      await tail.poll();
      const came = tail.events.map(({ text, position }) => [text, position.source.path, position.offset]);
      expect(came).toEqual([
        ["one", tail.path("a.log"), 0],
        ["two", tail.path(name), 0],
        ["and more", tail.path(name), 4],
      ]);
      return ["one\n", "two\nand more\n"];
    });
  }
}

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

tailCase(19, "files that are the same, and of which one grows while the agent is down", async (tail) => {
  const header = "# the same header in every file\n".repeat(64);
  for (const name of ["x.log", "y.log"]) await writeFile(tail.path(name), header);
  await tail.poll();
  await writeFile(tail.path("z.log"), header);
  await tail.poll();
  tail.acknowledge();
  await tail.restart(() => appendFile(tail.path("y.log"), "y\n"));
  await tail.poll();
  return [header, `${header}y\n`, header];
});

tailCase(
  19,
  "a rotated name that begins with all that a followed file holds, and holds more",
  async (tail) => {
    await writeFile(tail.path("a.log"), "one\n");
    await tail.poll();
    await writeFile(tail.path("a.log.1"), "one\ntwo\n");
    await tail.poll();
    await appendFile(tail.path("a.log"), "three\n");
    await tail.poll();
    return ["one\nthree\n", "one\ntwo\n"];
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

tailCase(21, "replaced by a rename over it, with a line unread", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await appendFile(tail.path("a.log"), "two\n");
  await writeFile(tail.path("next"), "three\n");
  await rename(tail.path("next"), tail.path("a.log"));
  await tail.poll();
  return ["one\ntwo\n", "three\n"];
});

tailCase(21, "replaced by what begins like it, and was read under another name", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  await writeFile(tail.path("next.log"), "one\ntwo\n");
  await tail.poll();
  await rename(tail.path("next.log"), tail.path("a.log"));
  await appendFile(tail.path("a.log"), "three\n");
  await tail.poll();
  return ["one\n", "one\ntwo\nthree\n"];
});

tailCase(21, "replaced by a rename while down: what it may have held besides is told of", async (tail) => {
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  await tail.restart(async () => {
    await writeFile(tail.path("next.log"), "two\nthree\n");
    await rename(tail.path("next.log"), tail.path("a.log"));
  });
  await tail.poll();
  expect(tail.files.map(reportFile)).toMatchObject([
    { state: "error", delivered: 4, error: expect.stringContaining("after byte 4 is unknown") },
    { state: "active", read: 10 },
  ]);
  return ["one\n", "two\nthree\n"];
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
  return ["one\ntwo\n"];
});
