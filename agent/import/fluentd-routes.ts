import type { ImportedCondition } from "./imported.ts";
import { type FluentdSection, INCLUDE, typeOf } from "./fluentd-syntax.ts";
import { shownPath } from "./fluentd-include.ts";
import { rewrites } from "./fluentd-rewrite.ts";
import { relate } from "./tag-pattern.ts";

const KINESIS_TYPES = new Set([
  "kinesis_streams",
  "kinesis_streams_aggregated",
  "kinesis_producer",
  "kinesis",
]);

/** Outputs that pass nothing on to another section. Of one that is not among them that is not known. */
const ENDS = new Set(
  (
    "null stdout file file_alternative s3 forward secure_forward http exec elasticsearch elasticsearch_dynamic opensearch kafka " +
    "kafka2 kafka_buffered rdkafka rdkafka2 kinesis_firehose cloudwatch_logs mongo mongo_replset webhdfs td tdlog gcs " +
    "google_cloud bigquery bigquery_insert bigquery_load splunk_hec splunk_hec_radiator loki datadog redis redis_store influxdb sql mysql " +
    "mysql_bulk pgjson remote_syslog syslog newrelic slack dynamodb sqs sns mail azurestorage azure-storage-append-blob " +
    "azure-loganalytics sumologic logzio_buffered gelf graylog statsd dogstatsd prometheus amqp rabbitmq mqtt redshift " +
    "coralogix logdna honeycomb swift hdfs nats pubsub gcloud_pubsub file_with_fix_path solr zabbix"
  ).split(" "),
);

/** Outputs to pass through on all the ways that events of one source may go: more are not followed. */
const STEPS_MAX = 10_000;

/** A filter that events pass, or that some of them may pass. */
export interface PassedFilter {
  readonly section: FluentdSection;
  readonly isSure: boolean;
}

/** What becomes of events that a source emits, or of a part of them. */
export type Fate =
  | {
      readonly to: "stream";
      readonly tag: string;
      readonly filters: readonly PassedFilter[];
      /** The sections that bring them there. */
      readonly by: readonly FluentdSection[];
      /** Patterns that decide which lines they are. */
      readonly lines: LineChoice;
    }
  | { readonly to: "elsewhere" | "unknown"; readonly why: string };

/** Lines in which each of `include` is found and none of `exclude`. */
export interface LineChoice {
  readonly include: readonly string[];
  readonly exclude: readonly ImportedCondition[];
}

/** Events on their way. A star in their tag stands for any text. */
export interface Events {
  readonly tag: string;
  readonly label: string | undefined;
  readonly worker: string | undefined;
  readonly filters: readonly PassedFilter[];
  readonly by: readonly FluentdSection[];
  readonly lines: LineChoice;
  /** The field that is the whole line, undefined where lines are parsed. */
  readonly wholeLineKey: string | undefined;
}

interface Rule {
  readonly section: FluentdSection;
  readonly worker: string | undefined;
}

const ROUTED = new Set(["match", "filter", INCLUDE]);

/** Where Fluentd would bring events: the first `<match>` of their tag takes them, after the filters before it. */
export class Routes {
  readonly #rules = new Map<string, Rule[]>([["@ROOT", []]]);
  readonly #stream: string | undefined;
  #steps = 0;

  /** @param stream the one that is carried over */
  constructor({ sections }: FluentdSection, stream: string | undefined) {
    this.#stream = stream;
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
      if (KINESIS_TYPES.has(typeOf(section))) return [section];
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
    return [...fates, { to: "elsewhere", why: `no <match> takes ${which}` }];
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
    if (KINESIS_TYPES.has(type)) return [this.#atKinesis(section, passed)];
    if (type === "copy") return ofCopies(each());
    if (type === "roundrobin") return each().flat();
    if (type === "relabel") return on({ label: section.parameters.get("@label") ?? "" });
    if (type === "rewrite_tag_filter") return rewrites(section, passed, on);
    if (ENDS.has(type)) return [{ to: "elsewhere", why: `${what} takes them: ${type}` }];
    return [{ to: "unknown", why: `what ${type || "the plugin"} in ${what} does with them is not known` }];
  }

  #atKinesis({ parameters }: FluentdSection, { tag, filters, by, lines }: Events): Fate {
    const name = parameters.get("stream_name") ?? "";
    if (name === (this.#stream ?? "")) return { to: "stream", tag, filters, by, lines };
    return {
      to: "elsewhere",
      why: `they go to stream ${name}; for another agent, import it with --stream ${name}`,
    };
  }
}

export function stores(section: FluentdSection): FluentdSection[] {
  return section.sections.filter(({ name }) => name === "store");
}

/** Each store gets all events: it is enough when one of them is the stream. */
function ofCopies(each: readonly Fate[][]): Fate[] {
  const isStream = (fates: readonly Fate[]) => fates.length > 0 && fates.every(({ to }) => to === "stream");
  const isOpen = (fates: readonly Fate[]) => fates.some(({ to }) => to !== "elsewhere");
  return each.find(isStream) ?? each.find(isOpen) ?? each.flat();
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
