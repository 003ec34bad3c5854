import { isReplaced, shownOutput } from "./fluentd-outputs.ts";
import { type FluentdSection, typeOf } from "./fluentd-syntax.ts";
import type { Notes } from "./imported.ts";
import { tellOthers } from "./tell-others.ts";

const KNOWN = ["@type", "type", "@id", "@label", "host", "port", "s3_bucket", "path", "delivery_stream_name"];
const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d+$/;
const REGIONS = ["s3_region", "region", "aws_region"];

const LAKE = "rows are filed in the lake by type and hour";
const WAREHOUSE = "where rows are loaded is said in weir.config.ts";
const WHY: Readonly<Record<string, string>> = {
  server: "the agent sends to the stream",
  service_discovery: "the agent sends to the stream",
  security: "the stream has IAM's permissions",
  buffer: "what waits stays in its file or in the spool",
  inject: "every row knows its host, tag and time",
  store_as: LAKE,
  s3_object_key_format: LAKE,
  time_slice_format: LAKE,
  compress: "records are packed; set producer.compression",
  redshift_host: WAREHOUSE,
  redshift_port: WAREHOUSE,
  redshift_dbname: WAREHOUSE,
  redshift_user: WAREHOUSE,
  redshift_password: WAREHOUSE,
  redshift_schemaname: WAREHOUSE,
  redshift_tablename: WAREHOUSE,
};

/** Tells which outputs the stream stands for now, and what they were told that it is not. */
export function tellReplaced(used: ReadonlySet<FluentdSection>, stream: string, notes: Notes): void {
  for (const output of [...used].filter(isReplaced)) {
    const what = `<${`${output.name} ${output.argument}`.trim()}>`;
    notes.add(
      output.line,
      `${what}: is taken for the stream ${stream}: ${shownOutput(output)}${filedIn(output)}`,
    );
    tellOthers(what, output, [...KNOWN, ...REGIONS], notes, WHY);
  }
}

/** The place of its objects from now on. */
function filedIn(output: FluentdSection): string {
  return typeOf(output) === "s3" ? "; rows are in the lake, below data/type=TYPE/" : "";
}

/** The region that all of them name, where the stream is likely to be, too. */
export function replacedRegion(used: ReadonlySet<FluentdSection>, notes: Notes): string | undefined {
  const found = [...used].filter(isReplaced).flatMap(({ parameters, lines, ...output }) =>
    REGIONS.flatMap((key) => {
      const region = parameters.get(key);
      const isPlain = region !== undefined && REGION.test(region);
      return isPlain
        ? [{ region, line: lines.get(key), key, type: typeOf({ ...output, parameters, lines }) }]
        : [];
    }),
  );
  const [first] = found;
  if (first === undefined || found.some(({ region }) => region !== first.region)) return undefined;
  notes.add(
    first.line,
    `region = "${first.region}": is that of ${first.type}; change it if the stream is elsewhere`,
  );
  return first.region;
}
