import { once } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "smol-toml";
import { bundleAgentProcess, startAgent } from "./agent-child.ts";
import type { ProcessFigures } from "./agent-process.ts";
import { linesOf } from "./child.ts";
import type { Following, Job, Producer, ProducerCost } from "./producer.ts";

/** The agent, bundled and started as in a deployment. */
export class MeasuredAgent implements Producer {
  readonly name = "agent";
  readonly #directory: string;

  static async bundle(directory: string): Promise<MeasuredAgent> {
    await bundleAgentProcess(directory);
    return new MeasuredAgent(directory);
  }

  private constructor(directory: string) {
    this.#directory = directory;
  }

  async drain(job: Job): Promise<ProducerCost> {
    const child = startAgent(this.#directory, [await this.#writeConfig(job)], environment(job));
    return JSON.parse(await linesOf(child)()) as ProcessFigures;
  }

  async follow(job: Job): Promise<Following> {
    const child = startAgent(this.#directory, [await this.#writeConfig(job), "serve"], environment(job));
    return {
      pid: child.pid!,
      [Symbol.asyncDispose]: async () => {
        child.stdin!.end();
        if (child.exitCode === null) await once(child, "exit");
      },
    };
  }

  /** Writes one, with a state of its own. */
  async #writeConfig({ path, endpoint, compression, wire }: Job): Promise<string> {
    const directory = await mkdtemp(join(this.#directory, "agent-"));
    const config = join(directory, "agent.toml");
    const settings = {
      stream: "null",
      region: "us-east-1",
      endpoint,
      state_dir: join(directory, "state"),
      files: [{ tag: "access", path }],
      // The stream has four shards, and is not what is measured.
      producer: { compression, wire, rate_limit_percent: 10_000 },
    };
    await writeFile(config, stringify(settings));
    return config;
  }
}

function environment({ certificate }: Job): Readonly<Record<string, string>> {
  return certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificate.certificateFile };
}
