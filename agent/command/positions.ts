import { open } from "node:fs/promises";
import { CheckpointFile } from "../progress/checkpoint.ts";
import { type AgentConfig, takesEvents } from "../config/config.ts";
import type { AgentStatus, FileStatus } from "../monitor/agent-status.ts";
import { askMonitor } from "../monitor/ask-monitor.ts";
import type { Renewal } from "../machine/machine-state.ts";
import { spoolDirectory } from "../push/pushed-input.ts";
import { spoolExtent } from "../push/spool/spool-extent.ts";
import type { SpoolPosition } from "../push/spool/segments.ts";
import { isHeld } from "../progress/state-lock.ts";
import type { FileRecord } from "../tail/files/file-record.ts";
import type { FilePosition } from "../tail/files/tail-state.ts";
import { Copies } from "../tail/files/copies.ts";
import { sameFile } from "../tail/disk/file-identity.ts";
import { lastingDetail } from "../tail/disk/file-access.ts";
import { FileRule, ruleOf } from "../tail/files/file-rule.ts";
import type { LineFeed } from "../framing/line-feed.ts";
import { statFile, type FileStat } from "../tail/disk/file-stat.ts";

/** Longer than any line the agent waits for the end of. */
const LAST_LINE_MAX_BYTES = 2 ** 20;
/** What the status calls the spool. */
export const SPOOL_LOCATION = "spool:pushed";

/** How far one source has come, as far as it can be told from outside of the agent. */
export interface Position {
  /** Where the file is now, or was last seen. */
  readonly location: string;
  readonly tag: string;
  /** Undefined for a file that no agent has found yet. */
  readonly source: string | undefined;
  readonly delivered: number;
  /** Only a running agent with a monitor can tell it. */
  readonly read: number | undefined;
  /** Undefined when the file is gone. */
  readonly size: number | undefined;
  /** Why it is not delivered to its end, undefined when it is. */
  readonly waiting: string | undefined;
  /** Source that it is a copy of, so that it is not read. */
  readonly copyOf?: string | undefined;
}

/** How far pushed events have come. */
export interface SpoolState {
  /** Offset to which they were received. */
  readonly received: number;
  readonly delivered: number;
  /** Only a running agent with a monitor can tell it, and the next. */
  readonly read: number | undefined;
  readonly openConnections: number | undefined;
  /** Why the forward input last turned a connection away or ended it. */
  readonly lastRefusal: string | undefined;
  /** On disk. */
  readonly bytes: number;
  readonly maxBytes: number;
  /** Why they are not delivered to the end, undefined when they are. */
  readonly waiting: string | undefined;
}

export interface Positions {
  readonly isRunning: boolean;
  /** Undefined where nothing was ever pushed, and nothing can be. */
  readonly spool: SpoolState | undefined;
  /** Why nothing is acknowledged at present, where that is so. */
  readonly streamError: string | undefined;
  /** How sources last came to go on under new ids, if ever. */
  readonly renewal: Renewal | undefined;
  readonly positions: readonly Position[];
}

/** Where every file stands, by the checkpoint and, if the agent runs, by its monitor. @throws AgentError */
export async function readPositions(config: AgentConfig): Promise<Positions> {
  const checkpoint = new CheckpointFile(config.state_dir);
  const { files, copies, spool } = await checkpoint.load();
  const { renewal } = checkpoint.machine;
  const status = await askMonitor(config.monitor);
  const isRunning = status !== undefined || (await isHeld(config.state_dir));
  const streamError = status?.servers.map(({ error }) => error).find((error) => error !== "");
  const rules = config.files.map((entry) => new FileRule(entry));
  const view = { status, isRunning, streamError, rules };
  const followed = await Promise.all(files.map((file) => positionOf(file, view)));
  const locations = new Set(followed.map(({ location }) => location));
  const waiting = isRunning ? "the agent has not found it yet" : "the agent does not run";
  const news = (await stats(rules)).filter(({ path }) => !locations.has(path));
  const known = new Copies(copies);
  const fresh = news.map(({ tag, path, size, file, left }) => {
    const copyOf = known.find(file)?.of;
    const position = { location: path, tag, source: undefined, delivered: 0, read: 0, size };
    return { ...position, copyOf, waiting: copyOf === undefined ? (left ?? waiting) : undefined };
  });
  const pushed = await spoolState(config, spool, view);
  return { isRunning, streamError, renewal, spool: pushed, positions: [...followed, ...fresh] };
}

interface FoundFile extends FileStat {
  readonly tag: string;
  /** Why it is not read, though it matches. */
  readonly left: string | undefined;
}

async function stats(rules: readonly FileRule[]): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  for (const rule of rules) {
    const check = await rule.access.look();
    const paths = await rule.paths();
    for (const path of paths) {
      const fileStat = await statFile(path);
      if (fileStat === undefined || found.some((other) => other.path === path)) continue;
      const left = lastingDetail(await check.refusalOf(fileStat, () => paths));
      found.push({ ...fileStat, tag: rule.readingOf(path).tag, left });
    }
  }
  return found;
}

interface View {
  readonly status: AgentStatus | undefined;
  readonly isRunning: boolean;
  readonly streamError: string | undefined;
  readonly rules: readonly FileRule[];
}

async function positionOf({ record, resume }: FilePosition, view: View): Promise<Position> {
  const { location, tag, source, file, hasEnded } = record;
  const fileStat = await statFile(location);
  const found = fileStat && sameFile(fileStat.file, file) ? fileStat.size : undefined;
  const size = found === undefined ? undefined : (record.unpacked?.bytes ?? found);
  const told = toldOf(record, view);
  const delivered = Math.max(resume.offset, told?.delivered ?? 0);
  const read = told?.position === undefined || told.position < 0 ? undefined : told.position;
  const position = { location, tag, source: source.id, delivered, read, size };
  if (hasEnded || delivered === size) return { ...position, waiting: undefined };
  return { ...position, waiting: told?.error || (await whyWaiting(position, source.path, told, view)) };
}

/** What the agent says of this very file: another may have been at its path before, or be there now. */
function toldOf({ location, source }: FileRecord, { status }: View): FileStatus | undefined {
  const told = status?.files[location];
  return told?.source === source.id ? told : undefined;
}

async function spoolState(
  config: AgentConfig,
  position: SpoolPosition | undefined,
  { status, isRunning, streamError }: View,
): Promise<SpoolState | undefined> {
  const extent = await spoolExtent(spoolDirectory(config.state_dir));
  if (extent === undefined && !takesEvents(config)) return undefined;
  const { sourceId, end, bytes } = extent ?? { sourceId: undefined, end: 0, bytes: 0 };
  const told = status?.files[SPOOL_LOCATION];
  const checkpointed = position && position.sourceId === sourceId ? position.offset : 0;
  const delivered = Math.max(checkpointed, told?.delivered ?? 0);
  // The agent may have moved on since its files were looked at.
  const received = Math.max(end, told?.size ?? 0);
  const state = {
    received,
    delivered,
    read: told?.position,
    openConnections: status?.spool?.connections,
    lastRefusal: status?.receiver?.last_refusal ?? undefined,
    bytes,
    maxBytes: config.spool.max_bytes,
  };
  const readOn = (told?.position ?? 0) > delivered ? "it waits for acknowledgements" : "it is being read";
  const why = told?.error || (isRunning ? (streamError ?? readOn) : "the agent does not run");
  return { ...state, waiting: delivered >= received ? undefined : why };
}

/** @param path at which it was first seen: its tag comes from there */
async function whyWaiting(
  position: Omit<Position, "waiting">,
  path: string,
  told: FileStatus | undefined,
  view: View,
): Promise<string> {
  const { location, tag, delivered, read, size } = position;
  const rule = ruleOf(view.rules, path, tag);
  if (rule === undefined) return `no [[files]] entry has the tag ${tag} any more`;
  if (size === undefined)
    return view.isRunning
      ? "it was deleted, or moved out of sight"
      : "the agent does not run, and the file is not there";
  if (await isLineBegun(location, read ?? delivered, size, rule.lineFeed))
    return "its last line has no line feed yet";
  if (!view.isRunning) return "the agent does not run";
  if (view.streamError !== undefined) return view.streamError;
  if (told?.limited) return `limited to ${told.limited} bytes/s`;
  if (read !== undefined && read > delivered)
    return `${read - delivered} bytes wait for their acknowledgement`;
  return "it is being read";
}

/** True when everything from here to the end of the file is one line that has not ended. */
async function isLineBegun(path: string, offset: number, size: number, lineFeed: LineFeed): Promise<boolean> {
  const length = size - offset;
  if (length <= 0 || length > LAST_LINE_MAX_BYTES) return false;
  try {
    await using handle = await open(path);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return bytesRead === length && lineFeed.indexIn(buffer, 0, offset) === -1;
  } catch {
    return false;
  }
}
