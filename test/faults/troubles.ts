import { cp, rm } from "node:fs/promises";
import type { Random } from "../../local/traffic/random.ts";
import type { Fate } from "../agent/fault-proxy.ts";
import type { Interruption, Moment } from "../end-to-end/proxy.ts";
import type { FaultyCloud } from "./faulty-cloud.ts";
import type { Call } from "./faulty-service.ts";
import type { LogWriter } from "./log-writer.ts";

/** One thing that goes wrong: it is in place when it returns its promise, which settles once it has been met. */
export type Trouble = (faulty: FaultyCloud, random: Random, logs: readonly LogWriter[]) => Promise<void>;

/** As a policy of the bucket answers that was changed by mistake. */
const ACCESS_DENIED: Interruption = {
  status: 403,
  body: "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
};

const SLOW_DOWN: Interruption = {
  status: 503,
  body: "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>",
};

const isPut =
  (part: string) =>
  ({ method, url }: Call): boolean =>
    method === "PUT" && url.includes(part);

const isSubmission = ({ target }: Call): boolean => target === "RedshiftData.BatchExecuteStatement";

const moment = (random: Random): Moment => random.pick(["before", "after"]);

/** Has S3 refuse what the router puts. @returns what mends it */
export function refuseRouter({ s3: { router } }: FaultyCloud): () => void {
  const before = router.fate;
  router.fate = ({ method }, moment) => (method === "PUT" && moment === "before" ? ACCESS_DENIED : undefined);
  return () => void (router.fate = before);
}

/** What goes wrong once for each seed, by name. */
export const TROUBLES: Readonly<Record<string, Trouble>> = {
  "the agent is killed at a request": async (faulty, random) => {
    const fate = random.pick(["reset-before", "reset-after"] as const);
    const { promise, resolve } = Promise.withResolvers<void>();
    const before = faulty.putFate;
    faulty.putFate = (operation) => {
      if (operation !== "PutRecords") return "pass";
      faulty.killAgent();
      faulty.putFate = before;
      resolve();
      return fate;
    };
    await promise;
  },
  "the agent goes on from an older copy of its state": async (faulty) => {
    const copy = `${faulty.dir}/copy-of-state`;
    await faulty.withStoppedAgent((state) => replaceFolder(state, copy));
    // Whatever comes in meanwhile is sent once more.
    await faulty.mappingEvent("invoked");
    await faulty.withStoppedAgent((state) => replaceFolder(copy, state));
  },
  "the router is killed at its objects": (faulty, random) =>
    faulty.s3.router.killAt(isPut("/data/"), moment(random), () => faulty.pids("router")),
  "the router is killed at its commit": (faulty, random) =>
    faulty.s3.router.killAt(isPut("/commits/"), moment(random), () => faulty.pids("router")),
  "the router fails until batches are given up": async (faulty) => {
    const mend = refuseRouter(faulty);
    await faulty.mappingEvent("gave-up");
    mend();
  },
  "the sequencer is killed at its segment": (faulty, random) =>
    faulty.s3.sequencer.killAt(isPut("/log/0"), moment(random), () => faulty.pids("sequencer")),
  "the loader is killed at a load": (faulty, random) =>
    faulty.warehouseApi.killAt(isSubmission, moment(random), () => faulty.pids("loader")),
  "the loader is killed at its state": (faulty, random) =>
    faulty.s3.loader.killAt(isPut("/loads/"), moment(random), () => faulty.pids("loader")),
  "a load fails": async (faulty, random) => {
    const error = random.pick(["Assert", "1023 DETAIL: Serializable isolation violation", "out of memory"]);
    const { promise, resolve } = Promise.withResolvers<void>();
    faulty.beforeCommit = () => {
      faulty.beforeCommit = undefined;
      resolve();
      return Promise.reject(new Error(error));
    };
    await promise;
    await faulty.tick(() => true);
    await faulty.retryLoads();
  },
  "the warehouse is away": async (faulty) => {
    const { conditions } = faulty.cloud.warehouse!;
    conditions.pause();
    await faulty.tick(({ behind = [] }) => behind.some(({ failure }) => failure !== undefined));
    conditions.wake();
    await faulty.retryLoads();
  },
  "the stream gets other shards": (faulty, random) => faulty.stream.reshard(() => random.fraction()),
  "a log is moved away": (_faulty, random, logs) => random.pick(logs).rename(),
  "a log is copied and truncated": async (faulty, random, logs) => {
    const log = random.pick(logs);
    // Nobody can tell whose copy it is of which no line was seen.
    await log.write(1);
    await faulty.readToEnd(log.path);
    await log.write(random.below(10) + 1);
    await log.copyTruncate();
  },
};

const PUT_FATES: readonly Fate[] = [
  ...Array.from({ length: 14 }, () => "pass" as const),
  ...(["some", "500", "503", "throttle", "slow", "reset-early", "reset-before", "reset-after"] as const),
];
const INTERRUPTED_SHARE = 0.04;

async function replaceFolder(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  // An agent that was killed has left its socket, which no copy has.
  await cp(from, to, { recursive: true, filter: (path) => !path.endsWith(".sock") });
}

/** What goes wrong in passing with any call, as a seed decides. */
export function interfere(faulty: FaultyCloud, random: Random): void {
  const fate = (_call: Call, moment: Moment): Interruption | undefined => {
    if (!random.chance(INTERRUPTED_SHARE)) return undefined;
    return moment === "before" && random.chance(0.5) ? SLOW_DOWN : "lost";
  };
  for (const service of Object.values(faulty.s3)) service.fate = fate;
  faulty.warehouseApi.fate = (_call, _moment) => (random.chance(INTERRUPTED_SHARE / 2) ? "lost" : undefined);
  faulty.putFate = () => random.pick(PUT_FATES);
}

export function endInterference(faulty: FaultyCloud): void {
  for (const service of [...Object.values(faulty.s3), faulty.warehouseApi]) service.fate = () => undefined;
  faulty.putFate = () => "pass";
}
