import { type FluentdSection, typeOf } from "./fluentd-syntax.ts";
import { holdsRuby } from "./fluentd-value.ts";

const KINESIS_TYPES = new Set([
  "kinesis_streams",
  "kinesis_streams_aggregated",
  "kinesis_producer",
  "kinesis",
]);

/** Outputs in whose place a stream of ours may stand: to an aggregator, and to where an aggregator brings events. */
const REPLACED = /^(?:forward|secure_forward|s3|kinesis_firehose|redshift(?:[-_]\w+)*)$/;

/** Other outputs that pass nothing on to another section. Of one that is not among them that is not known. */
const ENDS = new Set(
  (
    "null stdout file file_alternative http exec elasticsearch elasticsearch_dynamic opensearch kafka " +
    "kafka2 kafka_buffered rdkafka rdkafka2 cloudwatch_logs mongo mongo_replset webhdfs td tdlog gcs " +
    "google_cloud bigquery bigquery_insert bigquery_load splunk_hec splunk_hec_radiator loki datadog redis redis_store influxdb sql mysql " +
    "mysql_bulk pgjson remote_syslog syslog newrelic slack dynamodb sqs sns mail azurestorage azure-storage-append-blob " +
    "azure-loganalytics sumologic logzio_buffered gelf graylog statsd dogstatsd prometheus amqp rabbitmq mqtt " +
    "coralogix logdna honeycomb swift hdfs nats pubsub gcloud_pubsub file_with_fix_path solr zabbix"
  ).split(" "),
);

const LOOPBACK = /^(?:localhost|127\.[\d.]+|::1|0\.0\.0\.0)$/i;

export function isKinesis(section: FluentdSection): boolean {
  return KINESIS_TYPES.has(typeOf(section));
}

/** Whether it is an output in whose place Weir may stand. */
export function isReplaced(section: FluentdSection): boolean {
  return REPLACED.test(typeOf(section));
}

/** Whether it passes nothing on. */
export function ends(section: FluentdSection): boolean {
  return ENDS.has(typeOf(section));
}

/** Whether what it forwards may stay on this host: only what is there knows where it goes. */
export function keepsOnHost(section: FluentdSection): boolean {
  const hosts = serversOf(section).map(({ host }) => host);
  return isForwarding(section) && hosts.some((host) => LOOPBACK.test(host));
}

/** An output for people: its kind, and where it leads. */
export function shownOutput(section: FluentdSection): string {
  const type = typeOf(section);
  const named = (key: string) => {
    const value = section.parameters.get(key);
    return value === undefined || value.includes("://") || holdsRuby(value) ? undefined : value;
  };
  if (isForwarding(section)) {
    const servers = serversOf(section).map(({ host, port }) =>
      port === undefined ? host : `${host}:${port}`,
    );
    return `${type} to ${servers.join(", ") || "servers that are not named here"}`;
  }
  if (type === "s3") return [type, named("s3_bucket"), named("path")].filter(Boolean).join(" ");
  if (type === "kinesis_firehose") return [type, named("delivery_stream_name")].filter(Boolean).join(" ");
  const table = [named("redshift_schemaname"), named("redshift_tablename")].filter(Boolean).join(".");
  return [type, table].filter(Boolean).join(" ");
}

function isForwarding(section: FluentdSection): boolean {
  return typeOf(section).endsWith("forward");
}

interface Server {
  readonly host: string;
  readonly port: string | undefined;
}

/** Servers of `<server>`, of `<service>` in a static discovery, and of the older `host`. */
function serversOf({ sections, parameters }: FluentdSection): Server[] {
  const discovered = sections
    .filter(({ name }) => name === "service_discovery")
    .flatMap((one) => one.sections);
  const named = [...sections, ...discovered].filter(({ name }) => name === "server" || name === "service");
  return [parameters, ...named.map(({ parameters }) => parameters)].flatMap((settings) => {
    const host = settings.get("host");
    return host === undefined ? [] : [{ host, port: settings.get("port") }];
  });
}
