import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { pino } from "pino";
import { parse, stringify } from "smol-toml";
import { vi } from "vitest";
import { agentCommand } from "../../agent/command/command.ts";
import { readAgentConfig } from "../../agent/config/read-config.ts";
import { runAgent } from "../../agent/process/run-agent.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import "../agent/agent-fixture.ts";
import { type Event, eventsOf } from "../agent/event.ts";
import { FaultKinesis } from "../agent/fault-kinesis.ts";
import { readGuide } from "./guide.ts";

const execute = promisify(execFile);

/** The only one that the stand-in has. */
const STREAM = "test";
const AGENT_FILE = "/etc/weir/agent.toml";

export interface HostOptions {
  /** What a command does to the service of the other agent. */
  readonly service: (command: string) => Promise<void>;
  /** Texts of the guide that cannot be had here, and what stands in their place. */
  readonly replaced?: Readonly<Record<string, string>>;
}

/**
 * A host on which a guide is followed to the letter, with /etc and /var of its own. The other agent is what the test
 * says, and the stream a stand-in; everything else is the real thing.
 */
export class Host implements AsyncDisposable {
  readonly kinesis: FaultKinesis;
  readonly #root: string;
  readonly #page: string;
  readonly #options: HostOptions;
  #stop = new AbortController();
  #ended: Promise<unknown> | undefined;

  /** @param page of the documents */
  static async make(page: string, options: HostOptions): Promise<Host> {
    const root = await mkdtemp(join(tmpdir(), "weir-guide-"));
    const host = new Host(root, await FaultKinesis.start(), page, options);
    const { files } = readGuide(page);
    for (const [path, text] of files) await host.#write(path, host.#local(text));
    await mkdir(host.path("/etc/weir"), { recursive: true });
    if (files.has(AGENT_FILE)) await host.#keepHere();
    return host;
  }

  private constructor(root: string, kinesis: FaultKinesis, page: string, options: HostOptions) {
    this.#root = root;
    this.kinesis = kinesis;
    this.#page = page;
    this.#options = options;
  }

  async #write(path: string, text: string): Promise<void> {
    await mkdir(dirname(this.path(path)), { recursive: true });
    await writeFile(this.path(path), text);
  }

  /** A path of the guide's, here. */
  path(path: string): string {
    return this.#root + path;
  }

  #local(text: string): string {
    let local = text.replaceAll(/(?<![\w.])\/(?=(?:etc|var)\/)/g, `${this.#root}/`);
    for (const [there, here] of Object.entries(this.#options.replaced ?? {}))
      local = local.replaceAll(there, here);
    return local;
  }

  /** Runs the commands that stand under a heading. @returns what they have printed */
  async follow(heading: string): Promise<string> {
    const commands = readGuide(this.#page).commands.get(heading);
    if (commands === undefined) throw new Error(`${this.#page} has no commands under ${heading}`);
    let printed = "";
    for (const command of commands) printed += await this.#run(command.replace(/^sudo /, ""));
    return printed;
  }

  async #run(command: string): Promise<string> {
    const [name, verb, ...args] = this.#local(command).split(" ");
    // In a checkout, where a configuration is tried: test/end-to-end/own-agent.test.ts does.
    if (name === "npm") return "";
    if (name === "weir-agent") return this.#weirAgent([verb!, ...args]);
    if (name === "systemctl" || name === "service") {
      await (args.at(-1) === "weir-agent" ? this.control(verb!) : this.#options.service(command));
      return "";
    }
    const { stdout } = await execute("/bin/sh", ["-c", this.#local(command)], { cwd: this.#root });
    if (name === "install") await this.#keepHere();
    return stdout;
  }

  /** The agent's command, in this process: a dozen of its own would take the time of all else. */
  async #weirAgent(words: readonly string[]): Promise<string> {
    const isRedirected = words.at(-2) === ">";
    const args = (isRedirected ? words.slice(0, -2) : words).map((word) =>
      word.includes(".") && !word.startsWith("/") ? join(this.#root, word) : word,
    );
    const said = { stdout: "", stderr: "" };
    const spies = (["stdout", "stderr"] as const).map((name) =>
      vi.spyOn(process[name], "write").mockImplementation((text) => {
        said[name] += String(text);
        return true;
      }),
    );
    try {
      await agentCommand().parseAsync(args, { from: "user" });
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    const hasFailed = process.exitCode === 1;
    process.exitCode = 0;
    if (hasFailed) throw new Error(`weir-agent ${words.join(" ")}: ${said.stdout}${said.stderr}`);
    if (isRedirected) await writeFile(join(this.#root, words.at(-1)!), said.stdout);
    return said.stdout + said.stderr;
  }

  /** The guide's stream and directories are not there. */
  async #keepHere(): Promise<void> {
    const file = this.path(AGENT_FILE);
    const { endpoint } = this.kinesis;
    const here = { stream: STREAM, state_dir: this.path("/var/lib/weir"), region: "us-east-1", endpoint };
    await writeFile(file, stringify({ ...parse(await readFile(file, "utf8")), ...here }));
  }

  /** What systemctl is asked of the agent. */
  async control(verb: string): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    if (verb === "stop" || verb === "disable") return;
    this.#stop = new AbortController();
    const config = await readAgentConfig(this.path(AGENT_FILE));
    const log = pino({ level: "silent" });
    this.#ended = runAgent(config, { signal: this.#stop.signal, log, untilDrained: false });
  }

  /** What came to the stream, without heartbeats. */
  get events(): Event[] {
    const all = this.kinesis.records.flatMap(({ data }) => eventsOf(data));
    return all.filter(({ tag }) => tag !== HEARTBEAT_TYPE);
  }

  /** Waits for what is bound to happen while the agent runs. @throws when it ends instead */
  async until(isSo: () => boolean): Promise<void> {
    const ended = this.#ended?.then(() => {
      throw new Error("the agent has ended");
    });
    ended?.catch(() => {});
    while (!isSo()) await Promise.race([sleep(5), ended]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended?.catch(() => {});
    await this.kinesis[Symbol.asyncDispose]();
    await rm(this.#root, { recursive: true, force: true });
  }
}
