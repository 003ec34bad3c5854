import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { S3Client } from "@aws-sdk/client-s3";
import { answerCommand } from "../../../lambdas/router/reparse/answer-command.ts";
import type { Place } from "../../../ops/access/place.ts";
import { runReplay } from "../../../ops/replay/run.ts";
import { parseCommit } from "../../../wire/commit.ts";
import { REPARSE_MAX_OBJECTS } from "../../../wire/router-command.ts";
import { LAKE } from "./bucket.ts";
import { CONFIGS } from "./lines.ts";
import { ROUTER_ARN } from "./mapping.ts";
import type { Simulation } from "./simulation.ts";
import { STREAM_ARN } from "./stream.ts";
import { realWait, type VirtualTime } from "./virtual-time.ts";

const FAILURES = "failures";

/** For what reads and writes real files, such as the cache of the log's segments. */
const REAL_WAITS = 50;

/**
 * `weir replay --failed --in-process --yes`, twice: the second time there is nothing left to do.
 *
 * @returns records that were replayed
 */
export async function replayFailed(simulation: Simulation): Promise<number> {
  const { failures, problems, deployed, time } = simulation;
  const keys = failures.keys();
  if (keys.length === 0) return 0;
  let replayed = 0;
  const cache = await mkdtemp(join(tmpdir(), "weir-simulation-"));
  const { XDG_CACHE_HOME } = process.env;
  process.env["XDG_CACHE_HOME"] = cache;
  try {
    for (const isAgain of [false, true]) {
      const options = { failed: true, yes: true, inProcess: true, done: "keep", config: "" } as const;
      const config = CONFIGS[deployed.router]!;
      const running = runReplay(placeOf(simulation), options, async () => config);
      const { ok, json, text } = await whileTimePasses(time, running);
      const { records } = json as { records: number };
      if (!ok) problems.push(`a replay does not work out: ${text}`);
      if (isAgain && records > 0) problems.push(`a second replay brought ${records} records again`);
      replayed += records;
    }
  } finally {
    if (XDG_CACHE_HOME === undefined) delete process.env["XDG_CACHE_HOME"];
    else process.env["XDG_CACHE_HOME"] = XDG_CACHE_HOME;
    await rm(cache, { recursive: true });
  }
  for (const key of keys) failures.delete(key);
  return replayed;
}

async function whileTimePasses<T>(time: VirtualTime, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const end = (): void => over.abort();
  work.then(end, end);
  const { signal } = over;
  while (!signal.aborted) {
    for (let waited = 0; waited < REAL_WAITS && !signal.aborted; waited++) await realWait();
    if (!signal.aborted) await time.pass(1_000);
  }
  return work;
}

/** What `weir` has of a stack, as far as a replay looks at it. */
function placeOf({ bucket, failures, stream }: Simulation): Place {
  const [lake, failed] = [bucket.memory.client(), failures.client()];
  const s3 = {
    send: (command: { input: { Bucket?: string } }) =>
      (command.input.Bucket === FAILURES ? failed : lake).send(command as never),
  };
  const mapping = {
    uuid: "mapping",
    state: "Enabled",
    streamArn: STREAM_ARN,
    functionArn: ROUTER_ARN,
    batchSize: 100,
    maxRecordAgeSeconds: undefined,
  };
  return {
    title: "a simulation",
    s3: s3 as unknown as S3Client,
    bucket: LAKE,
    failureBucket: FAILURES,
    kinesis: stream.reader,
    stream: "logs",
    mapping: { status: () => Promise.resolve(mapping) },
  } as unknown as Place;
}

/** What `weir replay --rejected` has the router do: every rejected line is filed anew, by what is deployed now. */
export async function reparseRejected(simulation: Simulation): Promise<void> {
  const { bucket, deployed, problems, chance } = simulation;
  const { memory } = bucket;
  const objects = new Set<string>();
  for (const key of memory.keys("commits/")) {
    for (const { kind, key: object } of parseCommit(memory.get(key)!.toString(), key).objects) {
      if (kind === "rejected") objects.add(object);
    }
  }
  if (objects.size === 0) return;
  chance.happened("rejected-reparsed", `${objects.size} objects`);
  simulation.reparsedBy = deployed.router;
  const keys = [...objects];
  for (let at = 0; at < keys.length; at += REPARSE_MAX_OBJECTS) {
    const request = { command: "reparse", objects: keys.slice(at, at + REPARSE_MAX_OBJECTS) };
    const answer = await answerCommand(request, {
      config: CONFIGS[deployed.router]!,
      s3: memory.client(),
      bucket: LAKE,
      logger: { info: () => {} },
      remainingMs: () => 300_000,
    });
    if (!answer.ok) problems.push(`a reparse was refused: ${answer.error.message}`);
    else if (answer.left.length > 0) problems.push(`a reparse has left ${answer.left.join(", ")}`);
    else {
      for (const one of answer.objects) {
        if (one.outcome === "left") problems.push(`a reparse has left ${one.key}: ${one.error}`);
      }
    }
  }
}
