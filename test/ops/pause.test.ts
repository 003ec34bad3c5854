import {
  type GetEventSourceMappingCommand,
  type LambdaClient,
  UpdateEventSourceMappingCommand,
} from "@aws-sdk/client-lambda";
import { expect, test } from "vitest";
import { RouterMapping } from "../../ops/access/router-mapping.ts";
import { deadlines } from "../../ops/pause/run.ts";

const HOUR_MS = 3_600_000;
const now = new Date("2026-11-21T10:00:00Z");
const waiting = (arrivedAt: string) => [
  { shardId: "shardId-000000000000", sequenceNumber: "1", arrivedAt: new Date(arrivedAt) },
];
const iso = (at: Date | undefined): string | undefined => at?.toISOString();

test("the oldest record that waits says until when the mapping has to go on", () => {
  const at = deadlines(waiting("2026-11-21T09:00:00Z"), { maxRecordAgeSeconds: 86_400 }, 168 * HOUR_MS, now);
  expect(iso(at.givenUpAt)).toBe("2026-11-22T09:00:00.000Z");
  expect(iso(at.lostAt)).toBe("2026-11-28T09:00:00.000Z");
});

test("where nothing waits, it is the next record's time that counts", () => {
  const at = deadlines([], { maxRecordAgeSeconds: undefined }, 24 * HOUR_MS, now);
  expect(iso(at.givenUpAt)).toBeUndefined();
  expect(iso(at.lostAt)).toBe("2026-11-22T10:00:00.000Z");
});

test("records are lost before they are given up, where the stream keeps them for less long", () => {
  const at = deadlines(waiting("2026-11-20T09:00:00Z"), { maxRecordAgeSeconds: 604_800 }, 24 * HOUR_MS, now);
  expect(at.givenUpAt).toBeUndefined();
  expect(at.lostAt < now).toBe(true);
});

/** Lambda's answers, one after the other, the last one from then on. */
class SwitchedLambda {
  readonly asked: boolean[] = [];
  readonly #states: string[];

  constructor(...states: string[]) {
    this.#states = states;
  }

  async send(command: GetEventSourceMappingCommand | UpdateEventSourceMappingCommand): Promise<object> {
    const [state] = this.#states;
    if (command instanceof UpdateEventSourceMappingCommand) {
      this.asked.push(command.input.Enabled!);
      if (state === "Enabling") {
        this.#states.shift();
        throw Object.assign(new Error("in use"), { name: "ResourceInUseException" });
      }
    } else if (this.#states.length > 1 && state !== "Enabling") this.#states.shift();
    return {
      UUID: "m",
      State: state,
      EventSourceArn: "arn:aws:kinesis:us-east-1:1:stream/s/consumer/c:1",
      FunctionArn: "f",
      BatchSize: 10,
      MaximumRecordAgeInSeconds: -1,
    };
  }
}

const mappingOf = (lambda: SwitchedLambda): RouterMapping =>
  new RouterMapping(lambda as unknown as LambdaClient, "m", "a place");
const wait = { maxWaitMs: 10_000, pollMs: 1 };

test("a mapping is asked once, as soon as it takes orders, and waited for", async () => {
  const lambda = new SwitchedLambda("Enabling", "Enabled", "Disabling", "Disabling", "Disabled");
  expect(await mappingOf(lambda).enable(false, wait)).toEqual({
    uuid: "m",
    state: "Disabled",
    streamArn: "arn:aws:kinesis:us-east-1:1:stream/s",
    functionArn: "f",
    batchSize: 10,
    maxRecordAgeSeconds: undefined,
  });
  // Refused while it was enabled, then taken.
  expect(lambda.asked).toEqual([false, false]);
  const resting = new SwitchedLambda("Disabled");
  await mappingOf(resting).enable(false, wait);
  expect(resting.asked).toEqual([]);
});

test("a mapping that does not stop in time, or is not known, is told", async () => {
  const stuck = mappingOf(new SwitchedLambda("Disabling"));
  await expect(stuck.enable(false, { maxWaitMs: 5, pollMs: 1 })).rejects.toThrow("m is still Disabling");
  const unknown = new RouterMapping({} as LambdaClient, undefined, "stack Weir");
  await expect(unknown.status()).rejects.toThrow("stack Weir does not name the router's mapping");
});
