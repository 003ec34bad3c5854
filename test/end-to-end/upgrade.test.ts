import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { zstdDecompressSync } from "node:zlib";
import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Cloud } from "../../local/cloud.ts";
import type { Report } from "../../local/reconcile/report.ts";
import type { Deployment } from "../../local/template/deployment.ts";
import { parseCommitKey, PREFIX } from "../../wire/keys.ts";
import { type Faults, runPipeline, type SampleStack, sampleStack } from "./pipeline.ts";
import { startProxy } from "./proxy.ts";

const RELEASE = fileURLToPath(new URL("../vectors/release-0.1.0/", import.meta.url));

let dir: string;
let present: SampleStack;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "weir-upgrade-"));
  const config = JSON.parse(await readFile(join(RELEASE, "config.json"), "utf8")) as Config;
  // The one setting that whoever upgrades has to take out.
  delete config.router.parallelizationFactor;
  await writeFile(join(dir, "weir.config.json"), JSON.stringify(config));
  present = await sampleStack(join(dir, "weir.config.json"));
});
afterAll(async () => {
  await present[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

interface Config {
  readonly router: { parallelizationFactor?: number };
}

/** The function as release 0.1.0 deployed it, unpacked. @returns its folder */
async function released(name: "router" | "loader"): Promise<string> {
  const folder = join(dir, name);
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "index.mjs"),
    zstdDecompressSync(await readFile(join(RELEASE, `${name}.mjs.zst`))),
  );
  await writeFile(join(folder, "config.json"), await readFile(join(RELEASE, "config.json")));
  return folder;
}

/** Its loader was an administrator: it makes the schemas for itself. */
async function releasedDeployment({ functions, warehouse, ...deployment }: Deployment): Promise<Deployment> {
  const router = { ...functions.router, assetDir: await released("router") };
  const loader = { ...functions.loader!, assetDir: await released("loader") };
  return {
    ...deployment,
    warehouse: warehouse && { ...warehouse, grants: undefined },
    functions: { ...functions, router, loader },
  };
}

test("a running pipeline of release 0.1.0 is upgraded in the middle, a load open, and every line is there once", async () => {
  const upgrade = new Upgrade(present.deployment);
  let open: Promise<void> | undefined;
  const report = await upgrade.run({
    // That load ends only when the present loader has met it open: its ticks pass it by, or alter the ledger and wait for it.
    beforeCommit: async ({ options }) => {
      // What has no name is waited for by the tick that submits it.
      if (options.name === undefined || upgrade.releasedLoads === 0 || upgrade.presentTicks > 0) return;
      await (open ??= upgrade.all());
      while (upgrade.presentTicks < 2 && !(await upgrade.isWaitedFor())) await sleep(50);
    },
  });
  expect(open).toBeDefined();
  expectUpgraded(report, upgrade);
});

test("router, loader and sequencer are upgraded one after the other, lines are routed by both, and every one is there once", async () => {
  const upgrade = new Upgrade(present.deployment);
  let [kills, releasedTicks] = [0, 0];
  await using proxy = await startProxy(
    () => upgrade.cloud.s3Endpoint,
    async (call, _body, moment) => {
      const isCommit = call.method === "PUT" && call.url!.includes("/commits/");
      if (!isCommit || moment === "before" || upgrade.releasedLoads === 0 || kills++ > 0) return;
      await upgrade.router();
      // It has committed the batch and not said so: the present one gets its records again.
      for (const pid of upgrade.cloud.router.pids) process.kill(pid, "SIGKILL");
      if (!call.socket.destroyed) await once(call.socket, "close");
    },
  );
  const report = await upgrade.run({
    environment: (role) => (role === "router" ? { AWS_ENDPOINT_URL_S3: proxy.endpoint } : {}),
    onTick: () => {
      // The loader of the release meets commits that it cannot read.
      if (kills > 0 && ++releasedTicks === 4) void upgrade.loader();
      if (upgrade.presentTicks === 2) upgrade.sequencer();
    },
  });
  expectUpgraded(report, upgrade);
  const duplicates = Object.values(report.types).map((type) => type.duplicates);
  expect(Math.max(...duplicates)).toBeGreaterThan(0);
});

/** Both wrote commits and loaded some, and all of it is there once. */
function expectUpgraded(report: Report, { versions, releasedLoads, presentLoads }: Upgrade): void {
  expect(report.problems).toEqual([]);
  expect(report.balanced).toBe(true);
  expect(versions).toEqual(new Set([1, 2]));
  expect(releasedLoads).toBeGreaterThan(0);
  expect(presentLoads).toBeGreaterThan(1);
  for (const type of ["access", "photo", "user"]) expect(report.types[type]!.rows).toBeGreaterThan(0);
}

/** A pipeline that begins with release 0.1.0 and is upgraded, function by function, while lines come in. */
class Upgrade {
  /** Loads that ended well, as the ticks of the release and of the present loader told. */
  releasedLoads = 0;
  presentLoads = 0;
  presentTicks = 0;
  /** Versions of the commits in the lake. */
  versions = new Set<number>();
  readonly #present: Deployment;
  readonly #ended = new AbortController();
  #cloud: Cloud | undefined;
  #isPresent = false;

  constructor(deployment: Deployment) {
    this.#present = deployment;
  }

  get cloud(): Cloud {
    return this.#cloud!;
  }

  /** Lines come until the present functions have loaded for a while what they have routed themselves. */
  async run({ onTick, ...faults }: Pick<Faults, "beforeCommit" | "environment"> & { onTick?: () => void }) {
    return runPipeline({ ...present, deployment: await releasedDeployment(this.#present) }, 200_000, {
      // There is none before the upgrade.
      sequencerEveryMs: 3_600_000,
      traffic: { linesPerSecond: 200, rotateEveryLines: 1_500, signal: this.#ended.signal },
      onStart: (cloud) => void (this.#cloud = cloud),
      onDrained: () => this.#look(),
      onLoaderTick: ({ events }) => {
        const loads = events.filter(({ kind }) => kind === "loaded").length;
        if (this.#isPresent) this.presentTicks++;
        if (this.#isPresent) this.presentLoads += loads;
        else this.releasedLoads += loads;
        if (this.presentLoads > 6) this.#ended.abort();
        onTick?.();
      },
      ...faults,
    });
  }

  /** Whether a statement waits for the locks of another one. */
  async isWaitedFor(): Promise<boolean> {
    const waiting = await this.cloud.warehouse!.query("SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1");
    return waiting.length > 0;
  }

  async all(): Promise<void> {
    await Promise.all([this.router(), this.loader()]);
    this.sequencer();
  }

  router(): Promise<void> {
    return this.cloud.router.updateCode(this.#present.functions.router.assetDir);
  }

  async loader(): Promise<void> {
    await this.cloud.loader!.updateCode(this.#present.functions.loader!.assetDir);
    this.#isPresent = true;
  }

  /** Ticks from now on, until the cloud stops. */
  sequencer(): void {
    void this.#sequence();
  }

  async #sequence(): Promise<void> {
    const { sequencer } = this.cloud.schedules;
    const isStopped = (): boolean => true;
    while (!(await sequencer.tick().then(() => false, isStopped))) await sleep(500);
  }

  async #look(): Promise<void> {
    const { s3, deployment } = this.cloud;
    const list = new ListObjectsV2Command({ Bucket: deployment.lakeBucket, Prefix: PREFIX.commits });
    const { Contents = [] } = await s3.send(list);
    this.versions = new Set(Contents.map(({ Key }) => (parseCommitKey(Key!).digest === undefined ? 1 : 2)));
  }
}
