import type { AgentClient } from "../../../agent/kinesis/kinesis-client.ts";
import { CheckpointFile } from "../../../agent/progress/checkpoint.ts";
import { type AgentConfig, agentConfigSchema } from "../../../agent/config/config.ts";
import { PowerLossFs } from "../../agent/power-loss-fs.ts";
import type { Random } from "../../sequencer/random.ts";
import { AgentProcess, STATE_DIRECTORY } from "./agent-process.ts";
import { Disk, DISK_ROOT } from "./disk.ts";
import { EXCLUDED, type LineKind, lineText, type Tag, TAGS } from "./lines.ts";
import type { Machine, VirtualTime } from "./virtual-time.ts";

/** A line that a host has written. */
export interface WrittenLine {
  readonly n: number;
  readonly host: string;
  readonly path: string;
  readonly tag: Tag;
  readonly kind: LineKind;
  readonly text: string;
  /** Where it begins in its file. */
  readonly offset: number;
  /** It was written on another machine, whose image this one was made from. */
  readonly isCopy: boolean;
}

interface Log {
  readonly tag: Tag;
  readonly path: string;
  readonly size: number;
  /** How many renamed files there are of it. */
  readonly rotated: number;
  /** Source of the last of them, as the agent knew it then. */
  readonly rotatedSource?: string | undefined;
  /** Until when a line is only begun. */
  readonly busyUntilMs: number;
}

export interface HostParts {
  readonly time: VirtualTime;
  /** Decides on the settings of its agent. */
  readonly random: Random;
  readonly client: (host: string) => AgentClient;
  readonly nextLine: () => number;
}

const DIRECTORY = `${DISK_ROOT}/var/log`;
const ROTATED_MAX = 6;

/** What a machine's image has of it. */
interface Image {
  readonly disk: Disk;
  readonly state: PowerLossFs;
  readonly logs: readonly Log[];
  readonly lines: readonly WrittenLine[];
}

/** A machine with log files, and an agent that may die at any time. */
export class Host {
  readonly name: string;
  /** Its own, and those that were on the image that it was made from. */
  readonly lines: WrittenLine[] = [];
  readonly machine: Machine;
  readonly #parts: HostParts;
  readonly #config: AgentConfig;
  readonly #state: PowerLossFs;
  readonly #logs: Log[];
  #process: AgentProcess | undefined;
  readonly #failures: unknown[] = [];
  #wasSetBack = false;
  /** Until when some line is only begun. */
  #busyUntilMs = 0;

  constructor(name: string, parts: HostParts, image?: Image) {
    const { time } = parts;
    this.name = name;
    this.#parts = parts;
    const now = (): number => time.nowMs + this.machine.skewMs;
    this.machine = { skewMs: 0, disk: image?.disk.copy(now) ?? new Disk(now) };
    this.machine.disk.makeDirectory(DIRECTORY);
    this.#state = image?.state ?? new PowerLossFs();
    this.lines = (image?.lines ?? []).map((line) => ({ ...line, host: name, isCopy: true }));
    this.#logs = image
      ? image.logs.map((log) => ({ ...log }))
      : TAGS.map((tag) => ({ tag, path: `${DIRECTORY}/${tag}.log`, size: 0, rotated: 0, busyUntilMs: 0 }));
    this.#config = agentConfig(name, parts.random);
    // Of a log that was rotated before any agent has seen one at its path, none would know.
    if (!image) for (const at of TAGS.keys()) this.write(1, parts.random, at);
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  get isDrained(): boolean {
    return this.#process?.isDrained === true;
  }

  /** What went wrong with its agents. */
  get problems(): string[] {
    return [...this.#failures.map(String), ...(this.#process?.problems ?? [])];
  }

  /** Lines in one of its logs. */
  write(count: number, random: Random, at = random.int(0, TAGS.length - 1)): void {
    const { nextLine, time } = this.#parts;
    const log = this.#logs[at]!;
    // What is begun comes to its end first.
    if (log.busyUntilMs >= time.nowMs) return;
    let text = "";
    for (let i = 0; i < count; i++) {
      const n = nextLine();
      const { tag, path } = log;
      const { kind, text: line } = lineText(tag, n, random);
      const offset = log.size + Buffer.byteLength(text);
      this.lines.push({ n, host: this.name, path, tag, kind, text: line, offset, isCopy: false });
      text += `${line}\n`;
    }
    // A service may be in the middle of a line when the agent looks.
    const isCut = random.chance(0.2);
    const cut = isCut ? random.int(1, text.length - 1) : text.length;
    const restMs = isCut ? random.int(100, 4_000) : -1;
    const { disk } = this.machine;
    const file = disk.hold(log.path);
    disk.append(file, text.slice(0, cut));
    this.#busyUntilMs = Math.max(this.#busyUntilMs, time.nowMs + restMs);
    if (isCut) void time.sleep(restMs).then(() => disk.append(file, text.slice(cut)));
    this.#logs[at] = {
      ...log,
      size: log.size + Buffer.byteLength(text),
      busyUntilMs: time.nowMs + restMs,
    };
  }

  /** As logrotate does. @returns whether there was anything to rotate */
  rotate(random: Random): boolean {
    const { disk } = this.machine;
    const at = random.int(0, this.#logs.length - 1);
    const log = this.#logs[at]!;
    const { path, rotated, size } = log;
    if (size === 0 || rotated >= ROTATED_MAX) return false;
    // A file that nobody has seen at its path is known for a later one by its birth time.
    const seen = this.#process?.sourceAt(path);
    if (this.#wasSetBack && (seen === undefined || seen === log.rotatedSource)) return false;
    for (let n = rotated; n >= 1; n--) disk.rename(`${path}.${n}`, `${path}.${n + 1}`);
    disk.rename(path, `${path}.1`);
    this.#logs[at] = { ...log, rotated: rotated + 1, rotatedSource: seen, size: 0, busyUntilMs: 0 };
    return true;
  }

  setClock(skewMs: number): void {
    this.#wasSetBack ||= skewMs < this.machine.skewMs;
    this.machine.skewMs = skewMs;
  }

  start(): void {
    const options = {
      config: this.#config,
      client: this.#parts.client(this.name),
      state: this.#state,
      machineId: `machine-of-${this.name}`,
    };
    const process = this.#parts.time.on(this.machine, () => new AgentProcess(options));
    this.#process = process;
    process.ended.catch((error: unknown) => {
      if (this.#process === process) this.#failures.push(error);
    });
  }

  /** Once it has ended, another one can be started. */
  async stop(): Promise<void> {
    const process = this.#process;
    await process?.stop();
    if (this.#process === process) this.#process = undefined;
  }

  kill(): void {
    this.#process?.kill();
    this.#process = undefined;
  }

  /** What is in log files is on disk; the agent's state is there as far as it was synced. */
  losePower(random: Random): void {
    this.kill();
    this.#state.powerLoss(() => random.next());
  }

  /** A machine that is made from an image of this one, which is taken while its agent runs. */
  async clone(name: string): Promise<Host> {
    const state = await copyOf(this.#state);
    return new Host(name, this.#parts, {
      disk: this.machine.disk,
      state,
      // The service that was in the middle of a line does not run there.
      logs: this.#logs,
      lines: this.lines,
    });
  }

  /** Whether all lines are whole. */
  get isQuiet(): boolean {
    return this.#busyUntilMs < this.#parts.time.nowMs;
  }

  /** How far the checkpoint says that each source is delivered. */
  async positions(): Promise<{ readonly source: string; readonly delivered: number }[]> {
    const { files } = await new CheckpointFile(STATE_DIRECTORY, this.#state).load();
    return files.map(({ record, resume: { offset, gap } }) => ({
      source: record.source.id,
      delivered: gap?.before?.from ?? gap?.from ?? offset,
    }));
  }
}

/** The checkpoint as it is; whatever is being written is not on the image. */
async function copyOf(state: PowerLossFs): Promise<PowerLossFs> {
  const copy = new PowerLossFs();
  const path = `${STATE_DIRECTORY}/checkpoint.json`;
  const file = await state.open(path).catch(() => undefined);
  if (file === undefined) return copy;
  const bytes = Buffer.alloc(2 ** 20);
  const length = await file.read(bytes, 0);
  const copied = await copy.create(path);
  await copied.write(bytes.subarray(0, length), 0);
  await copied.datasync();
  await copy.syncDirectory(STATE_DIRECTORY);
  return copy;
}

function agentConfig(host: string, random: Random): AgentConfig {
  return agentConfigSchema.parse({
    host,
    stream: "logs",
    region: "us-east-1",
    state_dir: STATE_DIRECTORY,
    files: TAGS.map((tag) => ({
      tag,
      path: `${DIRECTORY}/${tag}.log`,
      exclude_lines: [EXCLUDED],
      follow_links: true,
    })),
    tail: {
      poll_ms: 2_000,
      idle_poll_ms: 5_000,
      scan_ms: 4_000,
      watched_poll_ms: 0,
      rotated_idle_ms: 20_000,
    },
    producer: {
      aggregate_bytes: random.pick([1_024, 2_048, 8_192]),
      linger_ms: random.int(50, 2_000),
      max_in_flight: random.int(1, 6),
      ordering: random.pick(["none", "none", "source"]),
      compression: random.pick(["none", "zstd"]),
    },
    heartbeat: { interval_ms: 30_000 },
  });
}
