import { hostname } from "node:os";
import * as z from "zod";
import { isHostName } from "../../wire/provenance.ts";
import { quantity } from "../../wire/quantity.ts";
import { absolutePath } from "./absolute-path.ts";
import { cloudWatchSchema } from "./cloudwatch-config.ts";
import { filterSettings } from "../framing/filter-config.ts";
import { forwardConfigSchema } from "./forward-config.ts";
import { lineSocketConfigSchema, stdinConfigSchema } from "./lines-config.ts";
import { ec2LabelsSchema, labelsSchema } from "./labels-config.ts";
import { monitorSchema } from "./monitor-config.ts";
import { awsSchema } from "./aws-config.ts";
import { regionName } from "./region-name.ts";
import { PAYLOAD_MAX_BYTES, producerConfigSchema } from "./producer-config.ts";
import { UID_MAX } from "./socket-config.ts";
import { spoolConfigSchema } from "./spool-config.ts";
import { GROWTH_MAX } from "../framing/encoding.ts";

const milliseconds = (least: number, most: number) => quantity("ms", least, most);
const bytes = (least: number, most: number) => quantity("bytes", least, most);
const absolutePaths = z.union([absolutePath.transform((path) => [path]), z.array(absolutePath).min(1)]);

const files = z
  .strictObject({
    tag: z
      .string()
      .max(128)
      .regex(
        /^[A-Za-z0-9](?:[A-Za-z0-9._-]|\$\{[1-9]\})*$/,
        "a letter or digit, then letters, digits, '.', '_', '-' and ${1} to ${9}, at most 128, as in tag = \"app.${1}\"",
      )
      .meta({
        description:
          "log tag, and so the partition key, of every line; ${1} is what the first wildcard of the path stands for",
      }),
    path: absolutePaths.meta({
      description: "a file, a glob, or an array of them; * does not cross a slash",
    }),
    exclude: z
      .array(z.string().min(1))
      .default(["**/*.{gz,zst,bz2,xz}"])
      .meta({ description: "globs of files that `path` matches and that are not to be read" }),
    start_at: z
      .enum(["head", "end"])
      .default("head")
      .meta({
        description:
          "where reading begins in files that are there when this entry is first used; files that appear later " +
          "are always read whole. With `end` the bytes before are recorded as skipped",
      }),
    max_line_bytes: bytes(64, PAYLOAD_MAX_BYTES)
      .default(256 * 2 ** 10)
      .meta({ unit: "bytes", description: "a longer line is cut here; the bytes cut are recorded as a gap" }),
    ignore_older_ms: milliseconds(0, 10 * 365 * 86_400_000)
      .default(0)
      .meta({
        unit: "ms",
        description: "a file that was not changed for this long when it is found is left alone; 0 reads all",
      }),
    follow_links: z
      .union([z.boolean(), z.array(absolutePath).min(1)])
      .default(false)
      .meta({
        description:
          "a symbolic link is followed where it leads into the directories that `path` names without a wildcard, and into " +
          "these; `true` follows every link, and reads files that have names elsewhere (hard links) or another owner",
      }),
    owners: z
      .array(z.int().min(0).max(UID_MAX))
      .default([])
      .meta({
        description:
          "numbers of users whose files are read in any directory. In a directory of root's all are, in one of another " +
          "user's that user's",
      }),
    bytes_per_second: bytes(1, 2 ** 40)
      .optional()
      .meta({
        unit: "bytes/s",
        description:
          "each file is read no faster than this, but for a burst of one second's worth; what is over waits in the file. " +
          "Absent, as fast as the stream takes it",
      }),
    ...filterSettings,
  })
  .refine(({ encoding, max_line_bytes }) => !encoding || max_line_bytes * GROWTH_MAX <= PAYLOAD_MAX_BYTES, {
    path: ["max_line_bytes"],
    message: `with encoding, at most ${Math.floor(PAYLOAD_MAX_BYTES / GROWTH_MAX)}: UTF-8 may take three times the bytes`,
  });

const tail = z.strictObject({
  poll_ms: milliseconds(10, 60_000).default(250).meta({
    unit: "ms",
    description:
      "pause before files that grow are looked at again once all are read; of more than 500 it is longer, up to 1 s",
  }),
  idle_poll_ms: milliseconds(10, 600_000)
    .default(1_000)
    .meta({
      unit: "ms",
      description:
        "longest pause before a file that does not change is looked at again; it is reached gradually, after 20 " +
        "times as long without a change",
    }),
  watched_poll_ms: milliseconds(0, 600_000).default(10_000).meta({
    unit: "ms",
    description:
      "the same where the kernel tells of changes, which then are looked at in that moment; 0 does not ask it to",
  }),
  scan_ms: milliseconds(10, 600_000).default(1_000).meta({
    unit: "ms",
    description: "least time between searches for new files, where no notification tells of one",
  }),
  rotated_idle_ms: milliseconds(0, 86_400_000).default(60_000).meta({
    unit: "ms",
    description: "a renamed or deleted file has ended once it is read and has not grown for this long",
  }),
  partial_line_ms: milliseconds(0, 86_400_000)
    .default(0)
    .meta({
      unit: "ms",
      description:
        "a last line without line feed is sent after this long without growth; 0 waits for the line feed " +
        "or for the file to end. What is written after it becomes a line of its own",
    }),
  max_open_files: z
    .int()
    .min(1)
    .max(100_000)
    .default(4_096)
    .meta({ description: "beyond it, files that are read and idle the longest are closed until they grow" }),
  max_files: z.int().min(1).max(10_000_000).optional().meta({
    description:
      "files that are followed at once; others that match are told of and wait. Those that were changed last come first",
    defaultIs: "as many as fit in memory, at 3.5 KiB each: see agent.md",
  }),
});

const heartbeat = z.strictObject({
  enabled: z.boolean().default(true).meta({ description: "tell through the stream how much each file held" }),
  interval_ms: milliseconds(100, 86_400_000).default(60_000).meta({ unit: "ms" }),
});

const shutdown = z.strictObject({
  deadline_ms: milliseconds(0, 3_600_000)
    .default(20_000)
    .meta({ unit: "ms", description: "longest wait for acknowledgements after SIGTERM" }),
});

const STREAM_ARN = /^arn:[^:]*:kinesis:([^:]*):[^:]*:stream\/([A-Za-z0-9_.-]{1,128})$/;
const stream = z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/, {
  error: ({ input }) => {
    const [, region, name] = STREAM_ARN.exec(String(input)) ?? [];
    const said = 'the name of a Kinesis stream: letters, digits, ".", "_" and "-", as in stream = "logs"';
    if (name === undefined)
      return String(input).startsWith("arn:") ? `is an ARN, and of no stream; write ${said}` : said;
    return `is an ARN: write stream = "${name}" and region = "${region}"`;
  },
});

/** The agent's TOML file. */
export const agentConfigSchema = z
  .strictObject({
    stream: stream.meta({ description: "name of the Kinesis stream" }),
    region: regionName.optional().meta({ description: "AWS_REGION if absent" }),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({ description: "of Kinesis, where it is not the region's own" }),
    aws: awsSchema.prefault({}),
    state_dir: absolutePath.default("/var/lib/weir").meta({ description: "checkpoint and lock" }),
    host: z
      .string()
      .min(1)
      .max(255)
      .refine(isHostName, "at most 255 bytes, without control characters")
      .default(() => hostname())
      .meta({ description: "name on every row, and a part of source ids", defaultIs: "the host name" }),
    machine: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .meta({
        description:
          "what tells this machine from others that a copy of state_dir may come to, such as ${NODE_NAME}: with another " +
          "value every source goes on under a new id. What stays the same through restarts, and is no host name that changes",
        defaultIs: "the EC2 instance id, or outside of containers /etc/machine-id",
      }),
    labels: labelsSchema.prefault({}),
    ec2_labels: ec2LabelsSchema.default([]),
    include: absolutePath.optional().meta({
      description: "a directory whose *.toml files hold further [[files]], taken in the order of their names",
    }),
    files: z.array(files).default([]).meta({ description: "what is followed" }),
    forward: forwardConfigSchema.optional(),
    stdin: stdinConfigSchema.optional(),
    line_sockets: z.array(lineSocketConfigSchema).default([]),
    spool: spoolConfigSchema.prefault({}),
    tail: tail.prefault({}),
    producer: producerConfigSchema.prefault({}),
    heartbeat: heartbeat.prefault({}),
    shutdown: shutdown.prefault({}),
    monitor: monitorSchema.prefault({}),
    cloudwatch: cloudWatchSchema.optional(),
  })
  .refine((config) => config.files.length > 0 || takesEvents(config), {
    path: ["files"],
    message: "nothing to send: name [[files]], or [forward], [stdin] or [[line_sockets]]",
  });

/** A file in the `include` directory. */
export const includedFileSchema = z.strictObject({ files: z.array(files).min(1) });

export type AgentConfig = z.output<typeof agentConfigSchema>;
/** True when events may be pushed to the agent. */
export function takesEvents(config: {
  readonly forward?: unknown;
  readonly stdin?: unknown;
  readonly line_sockets: readonly unknown[];
}): boolean {
  return config.forward !== undefined || config.stdin !== undefined || config.line_sockets.length > 0;
}

export type FilesConfig = AgentConfig["files"][number];
