import type { Events, Fate } from "./fluentd-events.ts";
import { type FluentdSection, INCLUDE, typeOf } from "./fluentd-syntax.ts";
import { shownPath } from "./fluentd-include.ts";
import { ends, isKinesis, keepsOnHost, shownOutput, isReplaced } from "./fluentd-outputs.ts";
import { rewrites } from "./fluentd-rewrite.ts";
import { holdsRuby, variablesOf } from "./fluentd-value.ts";
import { relate } from "./tag-pattern.ts";

/** Outputs to pass through on all the ways that events of one source may go: more are not followed. */
const STEPS_MAX = 10_000;

/** What counts as going to the stream. */
export interface Target {
  readonly stream: string | undefined;
  /** Whether it takes the place of outputs that lead to Fluentd's own aggregators and their sinks, too. */
  readonly replaces: boolean;
}

interface Rule {
  readonly section: FluentdSection;
  readonly worker: string | undefined;
}

const ROUTED = new Set(["match", "filter", INCLUDE]);

/** Where Fluentd would bring events: the first `<match>` of their tag takes them, after the filters before it. */
export class Routes {
  readonly #rules = new Map<string, Rule[]>([["@ROOT", []]]);
  readonly #target: Target;
  #steps = 0;

  constructor({ sections }: FluentdSection, target: Target) {
    this.#target = target;
    // Fluentd puts what is in a <worker> behind everything else.
    const inWorkers = sections.filter(({ name }) => name === "worker");
    this.#read(sections, undefined);
    for (const { sections, argument } of inWorkers) this.#read(sections, argument);
  }

  #read(sections: readonly FluentdSection[], worker: string | undefined): void {
    for (const section of sections) {
      if (ROUTED.has(section.name)) this.#rules.get("@ROOT")!.push({ section, worker });
      if (section.name !== "label") continue;
      const rules = this.#rules.get(section.argument) ?? [];
      this.#rules.set(section.argument, rules);
      for (const inner of section.sections) {
        if (ROUTED.has(inner.name)) rules.push({ section: inner, worker });
      }
    }
  }

  /** All outputs that put records into a Kinesis stream, those of copies too. */
  get kinesisOutputs(): FluentdSection[] {
    const outputs = ({ section }: Rule): FluentdSection[] => {
      if (isKinesis(section)) return [section];
      return stores(section).flatMap((store) => outputs({ section: store, worker: undefined }));
    };
    return [...this.#rules.values()].flat().flatMap(outputs);
  }

  /** What becomes of events, part by part. */
  follow(events: Events): Fate[] {
    this.#steps = 0;
    return this.#follow(events);
  }

  #follow(events: Events): Fate[] {
    const { label = "@ROOT", worker } = events;
    const rules = this.#rules.get(label);
    if (rules === undefined) return [{ to: "unknown", why: `there is no <label ${label}> here` }];
    const fates: Fate[] = [];
    const filters = [...events.filters];
    for (const rule of rules) {
      const { section } = rule;
      if (section.name === INCLUDE) {
        const why = `${INCLUDE} ${shownPath(section.argument)} of line ${section.line} may send them elsewhere`;
        return [...fates, { to: "unknown", why }];
      }
      const relation = isOwnLog(events.tag, section.argument) ? "none" : relate(events.tag, section.argument);
      if (relation === "none" || isOfOtherWorker(rule, worker)) continue;
      const isSure = relation === "all" && (rule.worker === undefined || rule.worker === worker);
      if (section.name === "filter") filters.push({ section, isSure });
      else {
        fates.push(...this.#through(section, { ...events, filters: [...filters] }));
        if (isSure) return fates;
      }
    }
    const which = fates.length > 0 ? "all of them" : "them";
    return [...fates, { to: "elsewhere", why: `no <match> takes ${which}`, isDropped: true }];
  }

  /** What an output does with them. */
  #through(section: FluentdSection, events: Events): Fate[] {
    if (events.by.includes(section) || ++this.#steps > STEPS_MAX) {
      return [{ to: "unknown", why: `their events go round, as by the section of line ${section.line}` }];
    }
    const type = typeOf(section);
    const what = `<${`${section.name} ${section.argument}`.trim()}> of line ${section.line}`;
    const passed = { ...events, by: [...events.by, section] };
    const on = (next: Partial<Events>) => this.#follow({ ...passed, ...next });
    const each = () => stores(section).map((store) => this.#through(store, passed));
    if (isKinesis(section)) return [this.#atKinesis(section, passed)];
    if (type === "copy") return ofCopies(each());
    if (type === "roundrobin") return each().flat();
    if (type === "relabel") return on({ label: section.parameters.get("@label") ?? "" });
    if (type === "rewrite_tag_filter") return rewrites(section, passed, on);
    if (isReplaced(section)) return [this.#atReplaced(section, passed)];
    if (ends(section)) return [{ to: "elsewhere", why: `${what} takes them: ${type}` }];
    return [{ to: "unknown", why: `what ${type || "the plugin"} in ${what} does with them is not known` }];
  }

  #atReplaced(section: FluentdSection, { tag, filters, by, lines }: Events): Fate {
    const what = `<${`${section.name} ${section.argument}`.trim()}> of line ${section.line}`;
    const way = this.#target.stream === undefined ? "; --stream NAME takes that for the stream" : "";
    if (!this.#target.replaces)
      return { to: "elsewhere", why: `${what} takes them: ${typeOf(section)}${way}` };
    if (!keepsOnHost(section)) return { to: "stream", tag, filters, by, lines };
    return { to: "unknown", why: `${what} gives them to ${shownOutput(section)}, which may keep them here` };
  }

  #atKinesis({ parameters }: FluentdSection, { tag, filters, by, lines }: Events): Fate {
    const name = parameters.get("stream_name") ?? "";
    if (name === (this.#target.stream ?? "")) return { to: "stream", tag, filters, by, lines };
    if (this.#target.replaces && (holdsRuby(name) || variablesOf(name).length > 0))
      return { to: "unknown", why: `they go to stream ${name}, of which it is not known here which it is` };
    return {
      to: "elsewhere",
      why: `they go to stream ${name}; for another agent, import it with --stream ${name}`,
    };
  }
}

export function stores(section: FluentdSection): FluentdSection[] {
  return section.sections.filter(({ name }) => name === "store");
}

/** Each store gets all events: it is enough when one of them is the stream, and of several the one that asks least. */
function ofCopies(each: readonly Fate[][]): Fate[] {
  const isStream = (fates: readonly Fate[]) => fates.length > 0 && fates.every(({ to }) => to === "stream");
  const isOpen = (fates: readonly Fate[]) => fates.some(({ to }) => to !== "elsewhere");
  const streams = each.filter(isStream).toSorted((a, b) => asked(a) - asked(b));
  const by = new Set(streams.flat().flatMap((fate) => (fate.to === "stream" ? fate.by : [])));
  const all = streams[0]?.map((fate) => (fate.to === "stream" ? { ...fate, by: [...by] } : fate));
  return all ?? each.find(isOpen) ?? each.flat();
}

/** How much is asked of lines on their way. */
function asked(fates: readonly Fate[]): number {
  const counts = fates.map((fate) =>
    fate.to === "stream" ? fate.filters.length + fate.lines.include.length + fate.lines.exclude.length : 0,
  );
  return Math.max(...counts);
}

/** Fluentd's own log, which no file is. */
function isOwnLog(tag: string, patterns: string): boolean {
  return tag === "*" && /^fluent\.\*{1,2}$/.test(patterns);
}

/** Only where both name a single one that can be told. */
function isOfOtherWorker({ worker: theirs }: Rule, worker: string | undefined): boolean {
  const isOne = (text: string | undefined) => text !== undefined && /^\d+$/.test(text);
  return isOne(theirs) && isOne(worker) && theirs !== worker;
}
