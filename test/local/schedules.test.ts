import { expect, test } from "vitest";
import { failure } from "../../local/lambda/invoke-result.ts";
import { startSchedules, type SchedulesOptions } from "../../local/schedules.ts";

const REPORT = { lagSeconds: 0, events: [], unreadable: 0, contested: 0 };

/** A sequencer and a loader that answer as they are told to, on clocks that move all at once. */
class Stage {
  readonly invoked: string[] = [];
  readonly segments: number[] = [];
  sequenced: object | undefined = { segments: 0, lagSeconds: 0 };
  loaded: object | undefined = REPORT;
  readonly #clocks: (() => void)[] = [];
  readonly schedules = startSchedules({
    deployment: { schedules: { sequencer: deployed("sequencer"), loader: undefined, fleet: undefined } },
    sequencer: this.#answering("sequencer", () => this.sequenced),
    loaders: [
      {
        deployed: { name: "main", schedule: deployed("loader"), statementEvents: { pattern: {} } },
        function: this.#answering("loader", () => this.loaded),
      },
    ],
    fleet: undefined,
    onSegments: () => void this.segments.push(this.invoked.length),
    log: () => {},
    wait: (_, signal) =>
      new Promise((resolve, reject) => {
        this.#clocks.push(() => resolve(undefined));
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      }),
  });

  #answering(name: string, answer: () => object | undefined): SchedulesOptions["sequencer"] {
    return {
      invoke: async () => {
        this.invoked.push(name);
        const payload = answer();
        return payload === undefined
          ? failure("r", "Error", "no")
          : { ok: true, requestId: "r", payload: JSON.stringify(payload) };
      },
    };
  }

  /** @returns what an interval invokes */
  async interval(): Promise<readonly string[]> {
    const before = this.invoked.length;
    for (const resume of this.#clocks.splice(0)) resume();
    await new Promise<void>((resolve) => setImmediate(resolve));
    return this.invoked.slice(before).toSorted();
  }
}

const deployed = (functionArn: string) => ({ logicalId: "L", functionArn, rateSeconds: 60, input: {} });

/** A stage on which nothing is left to be done. */
async function quietStage(): Promise<Stage> {
  const stage = new Stage();
  expect(await stage.interval()).toEqual(["loader", "sequencer"]);
  expect(await stage.interval()).toEqual([]);
  return stage;
}

test("the router's runs are news for the sequencer, and segments for the loaders", async () => {
  const stage = await quietStage();
  stage.schedules.routed();
  stage.sequenced = { segments: 1, lagSeconds: 0 };
  expect(await stage.interval()).toEqual(["sequencer"]);
  expect(stage.segments).toHaveLength(1);
  expect(await stage.interval()).toEqual(["loader"]);
  expect(await stage.interval()).toEqual([]);
  stage.schedules.stop();
});

test.each([
  ["was left", { segments: 0, lagSeconds: 3 }],
  ["failed", undefined],
])("a sequencer goes on where something %s", async (_, sequenced) => {
  const stage = await quietStage();
  stage.schedules.routed();
  stage.sequenced = sequenced;
  for (let n = 0; n < 3; n++) expect(await stage.interval()).toContain("sequencer");
  stage.schedules.stop();
});

test.each([
  ["has done something", { ...REPORT, events: [{ kind: "loaded" }] }],
  ["is behind", { ...REPORT, behind: [{ table: "t", lagSeconds: 1 }] }],
  ["holds rows", { ...REPORT, held: [{ type: "t", rows: 1, commits: 1 }] }],
  ["has rows that the warehouse refuses", { ...REPORT, refused: { objects: 1, rows: 1 } }],
  ["cannot read a commit", { ...REPORT, unreadable: 1 }],
  ["has carried out a command", { paused: true }],
  ["has failed", undefined],
])("a loader goes on where it %s", async (_, loaded) => {
  const stage = await quietStage();
  stage.loaded = loaded;
  await stage.schedules.loader!.invoke("{}");
  for (let n = 0; n < 3; n++) expect(await stage.interval()).toEqual(["loader"]);
  stage.schedules.stop();
});
