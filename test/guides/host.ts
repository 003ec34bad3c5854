import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import { AgentChild } from "../agent/agent-child.ts";
import { type Event, eventsOf } from "../agent/event.ts";
import { FaultKinesis } from "../agent/fault-kinesis.ts";
import { readGuide } from "./guide.ts";

const WEIR = join(import.meta.dirname, "../../bin/weir.ts");
/** The only one that the stand-in has. */
const STREAM = "test";
const AGENT_FILE = "/etc/weir/agent.toml";

export interface HostOptions {
  /** What is done when systemctl is called for the service of the other agent. */
  readonly service: (verb: string) => Promise<void>;
  /** In the files of the guide, what cannot be had here, and what stands in its place. */
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
  #agent: AgentChild | undefined;

  /** @param page of the documents */
  static async make(page: string, options: HostOptions): Promise<Host> {
    const root = await mkdtemp(join(tmpdir(), "weir-guide-"));
    const host = new Host(root, await FaultKinesis.start(), page, options);
    for (const [path, text] of readGuide(page).files) await host.#write(path, host.#local(text));
    await mkdir(host.path("/etc/weir"), { recursive: true });
    await host.#write("/bin/sudo", '#!/bin/sh\nexec "$@"\n');
    await host.#write("/bin/weir-agent", `#!/bin/sh\nexec ${process.execPath} ${WEIR} agent "$@"\n`);
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
    await chmod(this.path(path), 0o755);
  }

  /** A path of the guide's, here. */
  path(path: string): string {
    return this.#root + path;
  }

  #local(text: string): string {
    let local = text.replaceAll(/(?<![\w.])\/(?=(?:etc|var)\/)/g, `${this.#root}/`);
    local = local.replaceAll("--stream logs", `--stream ${STREAM}`);
    for (const [there, here] of Object.entries(this.#options.replaced ?? {}))
      local = local.replaceAll(there, here);
    return local;
  }

  /** Runs the commands that stand under a heading. @returns what they have printed */
  async follow(heading: string): Promise<string> {
    const commands = readGuide(this.#page).commands.get(heading);
    if (commands === undefined) throw new Error(`${this.#page} has no commands under ${heading}`);
    let printed = "";
    for (const command of commands) printed += await this.#run(command);
    return printed;
  }

  /** @throws when it fails */
  async #run(command: string): Promise<string> {
    const [name, verb, ...args] = command.replace(/^sudo /, "").split(" ");
    // In a checkout, where a configuration is tried: test/end-to-end/own-agent.test.ts does.
    if (name === "npm") return "";
    if (name === "systemctl") {
      await (args.at(-1) === "weir-agent" ? this.control(verb!) : this.#options.service(verb!));
      return "";
    }
    const child = spawn("/bin/sh", ["-c", this.#local(command)], { cwd: this.#root, env: this.#environment });
    let printed = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`${command}: ${code}\n${printed}`);
    if (name === "install") await this.#keepStateHere();
    return printed;
  }

  async #keepStateHere(): Promise<void> {
    const file = this.path(AGENT_FILE);
    const settings = `state_dir = "${this.path("/var/lib/weir")}"\nproducer.linger_ms = 10\n`;
    await writeFile(file, settings + (await readFile(file, "utf8")));
  }

  /** What systemctl is asked of the agent. */
  async control(verb: string): Promise<void> {
    await this.#agent?.kill("SIGTERM");
    this.#agent = undefined;
    if (verb === "stop" || verb === "disable") return;
    this.#agent = new AgentChild(["run", "--config", this.path(AGENT_FILE)], this.#environment);
  }

  get #environment(): Record<string, string> {
    return {
      ...(process.env as Record<string, string>),
      PATH: `${this.path("/bin")}${delimiter}${process.env["PATH"]}`,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_ENDPOINT_URL: this.kinesis.endpoint,
    };
  }

  /** What came to the stream, without heartbeats. */
  get events(): Event[] {
    const all = this.kinesis.records.flatMap(({ data }) => eventsOf(data));
    return all.filter(({ tag }) => tag !== HEARTBEAT_TYPE);
  }

  /** Waits for what is bound to happen while the agent runs. */
  async until(isSo: () => boolean): Promise<void> {
    await this.#agent!.until(isSo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent?.kill("SIGKILL");
    await this.kinesis[Symbol.asyncDispose]();
    await rm(this.#root, { recursive: true, force: true });
  }
}
