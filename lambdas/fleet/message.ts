import type { FleetFile, FleetHost } from "./fleet-state.ts";
import { waiting } from "./fold.ts";
import { backlog, type Notice } from "./judge.ts";

/** What is published: SNS takes less than 100 characters of ASCII for a subject, and 256 KiB in all. Publish reference, read 2026-11 */
export interface Message {
  readonly subject: string;
  readonly body: string;
}

const SUBJECT_CHARS = 99;
const BODY_BYTES = 200 * 2 ** 10;
/** Named one by one in each section; the page has the others. */
const NAMED = 20;

export interface MessageContext {
  readonly stack: string;
  readonly now: Date;
  /** Hosts that should be heard, for where none is. */
  readonly expected: readonly FleetHost[];
  readonly hostsLeftOut: number;
}

type Kind = Notice["kind"];

interface Section {
  readonly of: (notice: Notice) => boolean;
  /** In the subject, of one and of many. */
  readonly one: (notice: Notice) => string;
  readonly many: string;
  readonly title: string;
  readonly line: (notice: Notice, context: MessageContext) => string;
  /** What to do. */
  readonly advice?: string;
}

const begins = (kind: Kind) => (notice: Notice) => notice.kind === kind && notice.change === "begins";

/** The order of what a person who is called wants to know. */
const SECTIONS: readonly Section[] = [
  {
    of: begins("fleet-silent"),
    one: () => "no heartbeat of any host arrives",
    many: "",
    title: "NO HEARTBEAT OF ANY HOST ARRIVES",
    line: ({ since }, { now, expected }) => {
      const named = expected.slice(0, NAMED).map(({ host }) => shown(host));
      const more = expected.length > NAMED ? `, and ${expected.length - NAMED} more` : "";
      return `${span(since, now)}. Heard until then: ${named.join(", ")}${more}`;
    },
    advice:
      "Hosts seldom fail together, so look at the way first: the alarms Iterator age, Router errors and Sequencer, then " +
      "the stream, the network and the agents' credentials. docs/runbook.md#silent-hosts",
  },
  {
    of: begins("silent"),
    one: ({ host }) => `${shown(host!.host)} is silent`,
    many: "hosts are silent",
    title: "SILENT HOSTS: no heartbeat arrives",
    line: ({ host, since }, { now }) =>
      `${shown(host!.host)}: ${span(since, now)}${host!.isStopped ? ", when its agent was asked to end" : ""}. ${behindText(host!)}`,
    advice:
      "Is the host there, does its agent run, can it reach Kinesis? Files wait where they are, unless they are rotated " +
      "away. docs/runbook.md#silent-hosts",
  },
  {
    of: begins("stalled"),
    one: ({ host }) => `the agent on ${shown(host!.host)} does not progress`,
    many: "agents do not progress",
    title: "AGENTS THAT DO NOT PROGRESS: heartbeats arrive, and nothing else",
    line: ({ host, since }, { now }) => `${shown(host!.host)}: ${span(since, now)}. ${behindText(host!)}`,
    advice: "`weir-agent status` on the host says what it waits for. docs/runbook.md#stalled-agents",
  },
  {
    of: begins("unreadable"),
    one: ({ host, file }) => `${shown(host!.host)} cannot read ${shown(file!.path)}`,
    many: "files are unreadable",
    title: "UNREADABLE FILES",
    line: ({ host, file, since }, { now }) =>
      `${place(host!, file!)}: ${span(since, now)}, ${shown(file!.error?.text ?? "")}. ${bytesText(waiting(file!))} waiting`,
    advice: "Its own words say why, permissions most often. docs/runbook.md#unreadable-files",
  },
  {
    of: begins("stuck"),
    one: ({ host, file }) => `${shown(file!.path)} on ${shown(host!.host)} is stuck`,
    many: "files are stuck",
    title: "STUCK FILES: bytes wait, and none is delivered",
    line: ({ host, file, since }, { now }) =>
      `${place(host!, file!)}: ${span(since, now)}. ${bytesText(waiting(file!))} waiting, ${bytesText(file!.delivered)} delivered`,
    advice: "`weir-agent status` on the host says what it waits for. docs/runbook.md#stuck-files",
  },
  {
    of: ({ kind, change }) => change === "gone" || kind === "lost",
    one: ({ host, file }) => `${shown(file!.path)} on ${shown(host!.host)} is not followed any more`,
    many: "files are not followed any more",
    title: "NOT FOLLOWED ANY MORE, though bytes waited",
    line: ({ host, file }) => {
      const why = file!.error === undefined ? "" : `, ${shown(file!.error.text)}`;
      return `${place(host!, file!)}: ${bytesText(waiting(file!))} were not delivered as far as is known${why}`;
    },
    advice:
      "Was the file deleted before it was read? `weir audit --source HOST:PATH` tells what is missing. " +
      "docs/runbook.md#stuck-files",
  },
  {
    of: begins("crowded"),
    one: () => "more hosts than fleet watch follows",
    many: "",
    title: "MORE HOSTS THAN ARE FOLLOWED",
    line: (_, { hostsLeftOut }) => `at least ${hostsLeftOut} hosts are left out: nothing is told of them`,
    advice: "Are the host names true? Each new name is a host. docs/runbook.md#silent-hosts",
  },
  {
    of: ({ change }) => change === "forgotten",
    one: ({ host }) => `${host ? shown(host.host) : "all hosts"} not expected back`,
    many: "hosts are not expected back",
    title: "NOT EXPECTED BACK: silent for so long that they are forgotten",
    line: ({ host, since }, { now }) => `${host ? shown(host.host) : "all hosts"}: ${span(since, now)}`,
  },
  {
    of: ({ change }) => change === "ends",
    one: (notice) => `well again: ${subjectOf(notice)}`,
    many: "well again",
    title: "WELL AGAIN",
    line: (notice) => `${subjectOf(notice)}: ${WELL[notice.kind]}`,
  },
];

const WELL: Readonly<Record<Kind, string>> = {
  "fleet-silent": "heartbeats arrive",
  crowded: "every host is followed",
  silent: "heartbeats arrive",
  stalled: "the agent progresses",
  stuck: "it is delivered, or progresses",
  unreadable: "it can be read",
  lost: "",
};

/** One for all that is to be told, so that a hundred hosts are one message. @returns undefined for nothing */
export function messageOf(notices: readonly Notice[], context: MessageContext): Message | undefined {
  if (notices.length === 0) return undefined;
  const sections = SECTIONS.map((section) => ({ ...section, notices: notices.filter(section.of) })).filter(
    ({ notices }) => notices.length > 0,
  );
  const subject = sections
    .map(({ notices, one, many }) =>
      notices.length === 1 || many === "" ? one(notices[0]!) : `${notices.length} ${many}`,
    )
    .join(", ");
  const at = `Weir fleet watch of ${context.stack}, ${timeText(context.now)}`;
  const body = [at, ...sections.map((section) => sectionText(section, context))].join("\n\n");
  return { subject: subjectText(`Weir: ${subject}`), body: cutToBytes(`${body}\n`, BODY_BYTES) };
}

function sectionText(
  { title, line, advice, notices }: Section & { readonly notices: readonly Notice[] },
  context: MessageContext,
): string {
  const lines = notices.slice(0, NAMED).map((notice) => `- ${line(notice, context)}`);
  const left = notices.length - NAMED;
  const more = left > 0 ? [`- and ${left} more: weir status --stack ${context.stack}`] : [];
  return [title, ...lines, ...more, ...(advice ? [advice] : [])].join("\n");
}

function subjectOf({ host, file }: Notice): string {
  if (host && file) return place(host, file);
  return host ? shown(host.host) : "the fleet";
}

const place = (host: FleetHost, file: FleetFile): string => `${shown(host.host)} ${shown(file.path)}`;

function behindText(host: FleetHost): string {
  const { files, bytes } = backlog(host);
  if (files === 0) return "Nothing was waiting when it was last heard";
  const most = host.files.filter(({ isWell }) => !isWell).sort((a, b) => waiting(b) - waiting(a))[0];
  const example = most ? `, most of ${shown(most.path)}` : "";
  return `${bytesText(bytes)} waiting in ${files} ${files === 1 ? "file" : "files"}${example}`;
}

/** What hosts say of themselves is shown, and is no more than that: no line of its own, no direction of text. */
// oxlint-disable-next-line no-control-regex
const UNSHOWN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]/gu;
const shown = (text: string): string => text.replace(UNSHOWN, "?");

const subjectText = (text: string): string => {
  const ascii = text.replace(/[^\x20-\x7e]/g, "?");
  return ascii.length <= SUBJECT_CHARS ? ascii : `${ascii.slice(0, SUBJECT_CHARS - 3)}...`;
};

const timeText = (at: Date): string => `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;

function span(since: number, now: Date): string {
  const minutes = Math.max(0, Math.round((now.getTime() - since) / 60_000));
  const long = minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
  return `since ${timeText(new Date(since))} (${long})`;
}

function bytesText(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let [value, unit] = [bytes, 0];
  for (; value >= 1_000 && unit < units.length - 1; unit++) value /= 1_000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** The bounds of names keep it far below this. */
function cutToBytes(text: string, bytes: number): string {
  const all = Buffer.from(text);
  return all.length <= bytes ? text : `${all.toString("utf8", 0, bytes - 4)}…`;
}
