import { appendFile, copyFile, rename, truncate, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { tailCase } from "./tail-case.ts";

const ANY = { glob: "*" };

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

for (const isDown of [false, true]) {
  for (const isLagging of [false, true]) {
    const how = `${isLagging ? ", lines unread" : ""}${isDown ? ", while down" : ""}`;
    tailCase(10, `truncated and grown beyond the position${how}`, async (tail) => {
      await writeFile(tail.path("a.log"), "one\n");
      await tail.poll();
      tail.acknowledge();
      const regrow = async (): Promise<void> => {
        if (isLagging) await appendFile(tail.path("a.log"), "never seen\n");
        await truncate(tail.path("a.log"));
        await appendFile(tail.path("a.log"), "two\nthree\nfour\n");
      };
      if (isDown) await tail.restart(regrow);
      else await regrow();
      await tail.poll();
      return ["one\n", "two\nthree\nfour\n"];
    });
  }
}

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
