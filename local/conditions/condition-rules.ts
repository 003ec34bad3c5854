import type { Condition } from "./condition.ts";
import type { AgentFacts, Facts, WaitingTable } from "./facts.ts";
import { counted, grouped, sizeText } from "../reconcile/figures.ts";
import { overLimit } from "../reconcile/reject-limit.ts";

const SILENT_MS = 5_000;
const SILENT_LONG_MS = 15_000;
const FAILS_IN_ROW = 3;
/** How long a function that failed and went on is still told: nobody looks at the very moment. */
const TOLD_MS = 30_000;
const BEHIND_MS = 15_000;
const LOADER_SILENT_MS = 30_000;
/** Commits are known by their minute, so that the age of one may be over by as much. */
const TABLE_BEHIND_SECONDS = 90;
/** Least that stalls: fewer bytes may be a line that waits for its end. */
const UNSENT_BYTES = 64 * 2 ** 10;
const DISK_LOW_BYTES = 256 * 2 ** 20;
const DISK_FULL_BYTES = 16 * 2 ** 20;
/** A type's first lines are too few to tell. */
const FEW_LINES = 20;
const SHOWN_FILES = 3;

/** A condition as one look finds it: since when it lasts, only a look back tells. */
type Found = Omit<Condition, "sinceMs"> & { readonly sinceMs?: number };

/** Rules in the order of their weight: what is wrong first is often why the rest is. */
export const RULES: readonly ((facts: Facts) => Found[])[] = [
  rejections,
  disk,
  silences,
  agent,
  functions,
  router,
  loads,
];

/** A line that is rejected is accounted for, and still no row. */
export function rejections({ types, rejects, maxRejectedPercent, phase }: Facts): Found[] {
  const isOver = phase === "balanced" || phase === "unbalanced" || phase === "draining";
  return overLimit({ types }, maxRejectedPercent)
    .filter(({ lines }) => isOver || lines >= FEW_LINES)
    .map(({ type, lines, rejected }) => ({
      id: `rejected ${type}`,
      severity: "red",
      headline: "Lines are rejected",
      text: `${type}: ${grouped(rejected)} of ${counted(lines, "line")} (${((100 * rejected) / lines).toFixed(1)} %) rejected`,
      told: "since",
      detail: rejects.find((kind) => kind.type === type)?.detail,
      over: `${type}: no more than ${maxRejectedPercent} % of lines are rejected`,
    }));
}

function disk({ freeDiskBytes }: Facts): Found[] {
  if (freeDiskBytes >= DISK_LOW_BYTES) return [];
  const isFull = freeDiskBytes < DISK_FULL_BYTES;
  return [
    {
      id: "disk",
      severity: isFull ? "red" : "amber",
      headline: isFull ? "Disk is full" : "Disk is nearly full",
      text: `the disk is ${isFull ? "" : "nearly "}full: ${sizeText(freeDiskBytes)} left`,
      told: "since",
      over: "the disk has room again",
    },
  ];
}

function silences({ atMs, heartbeats }: Facts): Found[] {
  return heartbeats
    .filter(({ answeredAtMs }) => atMs - answeredAtMs >= SILENT_MS)
    .map(({ part, answeredAtMs }) => ({
      id: `silent ${part}`,
      severity: atMs - answeredAtMs >= SILENT_LONG_MS ? "red" : "amber",
      headline: `${capitalized(part)} does not answer`,
      text: `${part} has not answered`,
      told: "for",
      sinceMs: answeredAtMs,
      over: `${part} answers again`,
    }));
}

function agent({ atMs, agent }: Facts): Found[] {
  if (agent === undefined) return [];
  const { statusAtMs, error, files, behindBytes, deliveredAtMs } = agent;
  if (atMs - statusAtMs >= SILENT_MS) return [silentAgent(atMs, statusAtMs)];
  const found: Found[] = [];
  if (error !== undefined) {
    const [headline, text] = ["Agent cannot send", "the agent cannot send to Kinesis"];
    const over = "the agent sends again";
    found.push({ id: "agent sends", severity: "red", headline, text, told: "since", detail: error, over });
  } else if (behindBytes >= UNSENT_BYTES && atMs - deliveredAtMs >= BEHIND_MS) {
    found.push({
      id: "agent stalls",
      severity: "red",
      headline: "Agent stands still",
      text: `the agent has delivered nothing, with ${sizeText(behindBytes)} to send,`,
      told: "for",
      sinceMs: deliveredAtMs,
      over: "the agent delivers again",
    });
  }
  if (files.length > 0) found.push(unreadFiles(files));
  return found;
}

function silentAgent(atMs: number, statusAtMs: number): Found {
  return {
    id: "agent",
    severity: atMs - statusAtMs >= SILENT_LONG_MS ? "red" : "amber",
    headline: "Agent is down",
    text: "the agent has not answered",
    told: "for",
    sinceMs: statusAtMs,
    over: "the agent answers again",
  };
}

function unreadFiles(files: AgentFacts["files"]): Found {
  const shown = files.slice(0, SHOWN_FILES).map(({ path, error }) => `${path}: ${error}`);
  const more = files.length > SHOWN_FILES ? [`and ${files.length - SHOWN_FILES} more`] : [];
  return {
    id: "agent files",
    severity: "amber",
    headline: "Files cannot be read",
    text: `the agent cannot read ${counted(files.length, "file")}`,
    told: "since",
    detail: [...shown, ...more].join("; "),
    over: "the agent reads all its files",
  };
}

function functions({ atMs, functions, givenUp }: Facts): Found[] {
  const failing = functions
    .filter(({ inRow, lastAtMs }) => inRow > 0 || atMs - lastAtMs < TOLD_MS)
    .map(({ part, failures, inRow, sinceMs, error }): Found => {
      const isDown = inRow >= FAILS_IN_ROW;
      const times = isDown ? `fails: ${inRow} times in a row` : `failed ${counted(failures, "time")}`;
      return {
        id: `fails ${part}`,
        severity: isDown ? "red" : "amber",
        headline: `${capitalized(part)} fails`,
        text: `the ${part} ${times}`,
        told: "since",
        detail: error,
        sinceMs,
        over: `the ${part} works again`,
      };
    });
  if (givenUp === 0) return failing;
  const text = `${counted(givenUp, "record")} went to the failure destination, where weir replay finds them,`;
  const over = "no records are in the failure destination";
  return [
    ...failing,
    { id: "given up", severity: "red", headline: "Records wait for replay", text, told: "since", over },
  ];
}

function router({ atMs, routerBehindMs, routedAtMs }: Facts): Found[] {
  if (routerBehindMs < BEHIND_MS) return [];
  const isStill = atMs - routedAtMs >= 2 * BEHIND_MS;
  return [
    {
      id: "router behind",
      severity: isStill ? "red" : "amber",
      headline: isStill ? "Router stands still" : "Router is behind",
      text: `the router has ${isStill ? "ended no batch, and " : ""}left records in the stream`,
      told: "for",
      sinceMs: atMs - routerBehindMs,
      over: "the router keeps up again",
    },
  ];
}

function loads({ atMs, loaderTickAtMs, waiting, refused }: Facts): Found[] {
  const found: Found[] = [];
  if (loaderTickAtMs !== undefined && atMs - loaderTickAtMs >= LOADER_SILENT_MS) {
    found.push({
      id: "loader",
      severity: "amber",
      headline: "Loader stands still",
      text: "the loader has not ended a turn",
      told: "for",
      sinceMs: loaderTickAtMs,
      over: "the loader goes on",
    });
  }
  for (const table of waiting) found.push(...waitingTable(table, atMs));
  for (const [table, error] of refused) {
    const headline = "Rows are set aside";
    const text = `rows of ${table} that the warehouse refuses are set aside`;
    const over = `${table} takes all its rows`;
    found.push({
      id: `refused ${table}`,
      severity: "red",
      headline,
      text,
      told: "since",
      detail: error,
      over,
    });
  }
  return found;
}

function waitingTable({ table, lagSeconds, failure, isPaused }: WaitingTable, atMs: number): Found[] {
  const head = { id: `waits ${table}`, severity: "amber", over: `${table} is loaded again` } as const;
  if (isPaused)
    return [{ ...head, headline: "Loads are paused", text: `loads of ${table} are paused`, told: "since" }];
  if (failure !== undefined) {
    const text = `a load of ${table} failed and waits to be tried again`;
    return [{ ...head, headline: "A load waits", text, told: "since", detail: failure }];
  }
  if (lagSeconds < TABLE_BEHIND_SECONDS) return [];
  const text = `rows have waited to be loaded into ${table}`;
  return [{ ...head, headline: "A load waits", text, told: "for", sinceMs: atMs - lagSeconds * 1_000 }];
}

const capitalized = (text: string): string => {
  const name = text.replace(/^the /, "");
  return name.charAt(0).toUpperCase() + name.slice(1);
};
