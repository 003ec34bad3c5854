import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { report } from "../commit-log/heartbeat-fixture.ts";
import { type Beat, beat, MINUTE, WatchedFleet } from "./watched-fleet.ts";

/** Each minute, for so many, hosts that `isUp` says beat, and a tick follows. */
function pass(fleet: WatchedFleet, from: number, to: number, hosts: (minute: number) => Beat[]): string[] {
  const told: string[] = [];
  for (let minute = from; minute < to; minute++) told.push(...fleet.tick(minute + 0.5, hosts(minute)));
  return told;
}

const behind = (size: number, delivered: number, changes = {}) =>
  report("/var/log/a.log", { size, delivered, read: delivered, endReachedAt: null, ...changes });

describe("a host", () => {
  test("is told once when its heartbeats stay away, and once when they have come for a while again", () => {
    const fleet = new WatchedFleet();
    const others = (minute: number) => [beat("web-2", minute)];
    expect(pass(fleet, 0, 20, (minute) => [beat("web-1", minute), ...others(minute)])).toEqual([]);
    expect(pass(fleet, 20, 29, others)).toEqual([]);
    expect(pass(fleet, 29, 60, others)).toEqual(["begins silent web-1"]);
    expect(fleet.page).toMatchObject({
      counts: { hosts: 2, silent: 1 },
      hosts: [{ host: "web-1", state: "silent" }, {}],
    });
    expect(pass(fleet, 60, 65, (minute) => [beat("web-1", minute), ...others(minute)])).toEqual([]);
    expect(pass(fleet, 65, 90, (minute) => [beat("web-1", minute), ...others(minute)])).toEqual([
      "ends silent web-1",
    ]);
    expect(fleet.page?.counts.silent).toBe(0);
  });

  test("that is asked to end is not missed, unless the configuration says for how long it may be away", () => {
    for (const [stoppedMs, told] of [
      [undefined, []],
      [60 * MINUTE, ["begins silent web-1"]],
    ] as const) {
      const fleet = new WatchedFleet({ stoppedMs });
      const others = (minute: number) => [beat("web-2", minute)];
      fleet.tick(0, [beat("web-1", 0), beat("web-1", 0, [], true), beat("web-2", 0)]);
      expect(fleet.page?.hosts.find(({ host }) => host === "web-1")?.state).toBe("stopped");
      expect(pass(fleet, 1, 59, others)).toEqual([]);
      expect(pass(fleet, 59, 90, others)).toEqual(told);
    }
  });

  test("that does not come back is forgotten, and that is told of one that was missed", () => {
    const fleet = new WatchedFleet({ forgetMs: 60 * MINUTE });
    fleet.tick(0, [beat("killed", 0), beat("ended", 0, [], true), beat("web", 0)]);
    expect(pass(fleet, 1, 90, (minute) => [beat("web", minute)])).toEqual([
      "begins silent killed",
      "forgotten silent killed",
    ]);
    expect(fleet.page?.counts).toMatchObject({ hosts: 1, silent: 0, stopped: 0 });
  });

  test("where none is heard, that is one message, of the way as likely as of the hosts; so is their return", () => {
    const fleet = new WatchedFleet();
    const all = (minute: number) => Array.from({ length: 30 }, (_, i) => beat(`web-${i}`, minute));
    fleet.tick(0, all(0));
    expect(pass(fleet, 1, 120, () => [])).toEqual(["begins fleet-silent"]);
    expect(fleet.messages[0]!.body).toMatch(/web-0, web-1, .* and 10 more\n.*Iterator age/);
    expect(fleet.page?.counts).toMatchObject({ hosts: 30, silent: 30 });
    // What the stream held comes late, in order, and tells of nobody's silence.
    expect(fleet.tick(120, Array.from({ length: 119 }, (_, i) => all(i + 1)).flat())).toEqual([]);
    expect(pass(fleet, 121, 130, all)).toEqual(["ends fleet-silent"]);
  });

  test("a fleet that is gone for good is forgotten as one", () => {
    const fleet = new WatchedFleet({ forgetMs: 60 * MINUTE });
    fleet.tick(0, [beat("web-1", 0), beat("web-2", 0)]);
    expect(pass(fleet, 1, 100, () => [])).toEqual(["begins fleet-silent", "forgotten fleet-silent"]);
    expect(fleet.page?.counts.hosts).toBe(0);
  });

  test("that was asked to end leaves its place to another one; of others beyond the limit, so much is told", () => {
    const fleet = new WatchedFleet({}, { hosts: 2 });
    fleet.tick(0, [beat("a", 0), beat("b", 0, [], true)]);
    expect(fleet.tick(1, [beat("a", 1), beat("c", 1)])).toEqual([]);
    expect(fleet.page?.hosts.map(({ host }) => host)).toEqual(["a", "c"]);
    const crowd = (minute: number) => ["a", "c", "d", "e"].map((host) => beat(host, minute));
    expect(pass(fleet, 2, 20, crowd)).toEqual(["begins crowded"]);
    expect(fleet.messages.at(-1)!.body).toContain("at least 2 hosts");
    expect(fleet.page?.hostsLeftOut).toBe(2);
  });

  test("its clock does not matter", () => {
    const fleet = new WatchedFleet();
    const wrong = (minute: number): Beat[] => {
      const { heartbeat, arrivedAt } = beat("web-1", minute, [behind(100, 100)]);
      return [
        {
          heartbeat: { ...heartbeat, at: minute % 2 ? "1970-01-01T00:00:00Z" : "2100-01-01T00:00:00Z" },
          arrivedAt,
        },
      ];
    };
    expect(pass(fleet, 0, 60, wrong)).toEqual([]);
  });
});

describe("a file", () => {
  test("is stuck when bytes wait and none is delivered, and well once it progresses", () => {
    const fleet = new WatchedFleet();
    expect(pass(fleet, 0, 15, (minute) => [beat("web", minute, [behind(1_000 + minute, 400)])])).toEqual([]);
    expect(pass(fleet, 15, 40, (minute) => [beat("web", minute, [behind(1_000, 400)])])).toEqual([
      "begins stuck web /var/log/a.log",
    ]);
    expect(fleet.messages[0]).toMatchObject({
      subject: "Weir: /var/log/a.log on web is stuck",
      body: expect.stringMatching(
        /web \/var\/log\/a.log: since 2026-11-21 10:00 UTC \(16 min\). 600 B waiting/,
      ) as string,
    });
    expect(fleet.page).toMatchObject({
      counts: { stuckFiles: 1, bytesWaiting: 600, filesBehind: 1 },
      hosts: [{ files: [{ state: "stuck", waiting: 600 }] }],
    });
    expect(pass(fleet, 40, 60, (minute) => [beat("web", minute, [behind(1_000, 400 + minute)])])).toEqual([
      "ends stuck web /var/log/a.log",
    ]);
    expect(pass(fleet, 60, 600, (minute) => [beat("web", minute, [behind(1_000, 1_000)])])).toEqual([]);
    expect(fleet.page).toMatchObject({ counts: { stuckFiles: 0, filesBehind: 0 }, hosts: [{ files: [] }] });
  });

  test("that progresses, however slowly, that is delivered, or that ends within a line is not stuck", () => {
    const fleet = new WatchedFleet();
    const sources = (minute: number) => [
      behind(1_000_000, minute, { id: "slow" }),
      behind(50, 50, { id: "idle" }),
      // The agent looks at it again and again, and waits for the line's end.
      behind(50, 40, {
        id: "line",
        endReachedAt: new Date(Date.parse("2026-11-21T10:00:00Z") + minute * MINUTE).toISOString(),
      }),
    ];
    expect(pass(fleet, 0, 120, (minute) => [beat("web", minute, sources(minute))])).toEqual([]);
    expect(fleet.page?.counts.filesBehind).toBe(1);
  });

  test("that the agent cannot read is told with its reason, once the error stays", () => {
    const fleet = new WatchedFleet();
    const failing = (minute: number) => [
      beat("web", minute, [behind(100, 0, { state: "error", error: "EACCES: permission denied" })]),
    ];
    expect(pass(fleet, 0, 2, failing)).toEqual([]);
    expect(pass(fleet, 2, 30, failing)).toEqual(["begins unreadable web /var/log/a.log"]);
    expect(fleet.messages[0]!.body).toContain("EACCES: permission denied. 100 B waiting");
    expect(fleet.page?.counts).toMatchObject({ unreadableFiles: 1, stuckFiles: 0 });
    expect(pass(fleet, 30, 60, (minute) => [beat("web", minute, [behind(100, 100)])])).toEqual([
      "ends unreadable web /var/log/a.log",
    ]);
  });

  test("that was stuck and is not named any more is told as gone, with what was not delivered", () => {
    const fleet = new WatchedFleet();
    pass(fleet, 0, 20, (minute) => [beat("web", minute, [behind(1_000, 400)])]);
    expect(pass(fleet, 20, 60, (minute) => [beat("web", minute)])).toEqual(["gone stuck web /var/log/a.log"]);
    expect(fleet.messages.at(-1)!.body).toMatch(/600 B were not delivered[^]*weir audit/);
  });

  test("that is deleted before it is delivered is told as gone, with its agent's words; one that ended well is not", () => {
    const fleet = new WatchedFleet();
    const error = "deleted, and 600 bytes of it were never read";
    fleet.tick(0.5, [beat("web", 0, [behind(1_000, 400), report("/log/ended", { size: 10, delivered: 5 })])]);
    const last = [
      behind(1_000, 400, { state: "error", error }),
      report("/log/ended", { size: 10, state: "ended" }),
    ];
    fleet.tick(1.5, [beat("web", 1, last)]);
    // Named once, before its first line has made its id.
    fleet.tick(2.5, [beat("web", 2, [behind(1_000, 0, { id: "before" })])]);
    expect(fleet.tick(20, [beat("web", 19)], "told")).toEqual(["begins lost web /var/log/a.log"]);
    expect(fleet.tick(21, [beat("web", 19)])).toEqual(["begins lost web /var/log/a.log"]);
    expect(fleet.messages[0]).toMatchObject({
      subject: "Weir: /var/log/a.log on web is not followed any more",
      body: expect.stringContaining(`600 B were not delivered as far as is known, ${error}`) as string,
    });
    expect(pass(fleet, 22, 40, (minute) => [beat("web", minute)])).toEqual([]);
    expect(fleet.page?.counts.filesBehind).toBe(0);
  });

  test("where all of an agent's files are stuck, the agent does not progress, and its files are not told one by one", () => {
    const fleet = new WatchedFleet();
    const files = Array.from({ length: 5 }, (_, i) =>
      report(`/log/${i}`, { size: 10, delivered: 0, read: 0, endReachedAt: null }),
    );
    expect(pass(fleet, 0, 60, (minute) => [beat("web", minute, files)])).toEqual(["begins stalled web"]);
    expect(fleet.page?.hosts[0]).toMatchObject({ state: "stalled", behind: 5, waiting: 50 });
    const one = [files[0]!, ...files.slice(1).map((file) => ({ ...file, delivered: 10 }))];
    expect(pass(fleet, 60, 90, (minute) => [beat("web", minute, one)])).toEqual([
      "ends stalled web",
      "begins stuck web /log/0",
    ]);
  });

  test("beyond the limit is in the sums of its host, and has its turn later", () => {
    const fleet = new WatchedFleet({}, { filesPerHost: 2 });
    const files = Array.from({ length: 5 }, (_, i) =>
      report(`/log/${i}`, { size: 10, delivered: i, read: i, endReachedAt: null }),
    );
    fleet.tick(0, [beat("web", 0, files)]);
    expect(fleet.page?.hosts[0]).toMatchObject({ behind: 5, waiting: 40 });
    const rest = files.map((file, i) => (i < 2 ? { ...file, delivered: 10 } : file));
    pass(fleet, 1, 40, (minute) => [beat("web", minute, rest)]);
    expect(fleet.page).toMatchObject({ counts: { stuckFiles: 2 }, hosts: [{ behind: 3 }] });
  });
});

const upOrDown = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.boolean()), {
  minLength: 1,
  maxLength: 20,
});

test("each change is told once, and none is lost, wherever a run dies", () => {
  const deaths = fc.array(fc.constantFrom(undefined, undefined, undefined, "untold", "told"), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(upOrDown, deaths, (stretches, deaths) => {
      const fleet = new WatchedFleet();
      const ups = stretches.flatMap(([minutes, isUp]) => Array.from({ length: minutes }, () => isUp));
      // Long enough for what is well to be believed, whatever it was before.
      const end = ups.length + 400;
      const told: string[] = [];
      let unread: Beat[] = [];
      let isRepeat = false;
      for (let minute = 0; minute < end; minute++) {
        const isUp = minute === 0 || (ups[minute - 1] ?? true);
        unread.push(beat("other", minute), ...(isUp ? [beat("web", minute)] : []));
        const dies = deaths[minute];
        const notices = fleet.tick(minute + 0.5, unread, dies);
        // A run that died after it told tells the same again.
        if (isRepeat && notices.length > 0 && notices[0] === told.at(-1)) notices.shift();
        if (notices.length > 0) isRepeat = dies === "told";
        else if (dies === undefined) isRepeat = false;
        told.push(...notices);
        if (dies === undefined) unread = [];
      }
      const expected = told.map((_, i) => (i % 2 === 0 ? "begins silent web" : "ends silent web"));
      expect(told).toEqual(expected);
      expect(told.length % 2).toBe(0);
      const longest = Math.max(
        0,
        ...ups
          .join(" ")
          .split("true")
          .map((gap) => gap.split("false").length - 1),
      );
      if (longest > 10) expect(told).not.toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test("in whatever order heartbeats come, the same hosts and files are in trouble in the end", () => {
  const story = fc.array(
    fc.record({
      host: fc.constantFrom("a", "b", "c"),
      minute: fc.integer({ min: 0, max: 60 }),
      delivered: fc.integer({ min: 0, max: 100 }),
      stopping: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  );
  fc.assert(
    fc.property(story, fc.infiniteStream(fc.nat()), (events, orders) => {
      const beats = events.map(({ host, minute, delivered, stopping }, i) =>
        beat(host, minute + i / 1_000, [behind(100, delivered)], stopping),
      );
      const shuffled = beats
        .map((beat) => ({ beat, order: orders.next().value as number }))
        .sort((x, y) => x.order - y.order);
      const inOrder = beats.toSorted((x, y) => x.arrivedAt.getTime() - y.arrivedAt.getTime());
      const [one, other] = [new WatchedFleet(), new WatchedFleet()];
      one.tick(61, inOrder);
      other.tick(
        61,
        shuffled.map(({ beat }) => beat),
      );
      const states = ({ page }: WatchedFleet) =>
        page!.hosts.map(({ host, state, seenAt }) => `${host} ${state} ${seenAt}`).sort();
      expect(states(other)).toEqual(states(one));
      const silent = (fleet: WatchedFleet) => fleet.told.filter((text) => text.includes("silent")).sort();
      expect(silent(other)).toEqual(silent(one));
    }),
    { numRuns: 60 },
  );
});

test("a host that comes and goes all day is no flood", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 11, max: 30 }), (up, down) => {
      const fleet = new WatchedFleet();
      const day = pass(fleet, 0, 1_440, (minute) => [
        beat("other", minute),
        ...(minute % (up + down) < up ? [beat("web", minute)] : []),
      ]);
      expect(day.length).toBeGreaterThan(0);
      expect(day.length).toBeLessThanOrEqual(24);
    }),
    { numRuns: 10 },
  );
});

test("a hundred hosts that go silent at once are one message, within what SNS takes, whatever they are called", () => {
  const fleet = new WatchedFleet();
  const name = (i: number) => `wéb\n\u202e-${i}`.padEnd(255, "x");
  const path = `/${"é\u0007".repeat(2_000)}`;
  const sources = [report(path, { size: 10, delivered: 0, read: 0, endReachedAt: null })];
  fleet.tick(0, [beat("other", 0), ...Array.from({ length: 100 }, (_, i) => beat(name(i), 0, sources))]);
  const told = pass(fleet, 1, 30, (minute) => [beat("other", minute)]);
  expect(told).toHaveLength(100);
  expect(fleet.messages).toHaveLength(1);
  const [{ subject, body }] = fleet.messages as [{ subject: string; body: string }];
  expect(subject).toBe("Weir: 100 hosts are silent");
  expect(body).toContain("and 80 more: weir status --stack Weir");
  expect(Buffer.byteLength(body)).toBeLessThan(256 * 2 ** 10);
  expect(body.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
  const alone = new WatchedFleet();
  alone.tick(0, [beat("other", 0), beat(name(1), 0)]);
  pass(alone, 1, 30, (minute) => [beat("other", minute)]);
  expect(alone.messages[0]!.subject).toMatch(/^[\x20-\x7e]{1,99}$/);
});
