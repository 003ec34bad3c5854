import { existsSync } from "node:fs";
import { DescribeStreamSummaryCommand, KinesisClient } from "@aws-sdk/client-kinesis";
import { closest } from "../../wire/closest.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { HEARTBEAT_TYPE, UNROUTED_TYPE } from "../../wire/log-type.ts";
import { AccessError } from "../access/access-error.ts";
import { counted } from "../access/figures.ts";
import type { Place } from "../access/place.ts";
import { EventFilter, patternOf } from "./event-filter.ts";
import type { PeekArguments } from "./command.ts";
import { followStream } from "./follow.ts";
import { isGone } from "./kinesis-errors.ts";
import { Output } from "./output.ts";
import { View } from "./view.ts";
import { EventOpener } from "./seen-event.ts";
import type { Start } from "../access/start.ts";

const CONFIG_FILE = "weir.config.ts";

/** Shows events until it is told to end, by an option, by Ctrl-C or by whoever reads its output. */
export async function runPeek(
  place: Place,
  options: PeekArguments,
  loadConfig: (file: string) => Promise<WeirConfig>,
): Promise<void> {
  const config = await configOf(options, loadConfig);
  const filter = filterOf(options, config);
  if (!options.follow && options.since === "LATEST") {
    const hint = "Say --since TIME as well, such as 15m, or TRIM_HORIZON.";
    throw new AccessError("BAD_REQUEST", "--no-follow from now on has nothing to show", hint);
  }
  const end = new AbortController();
  let isTold = false;
  const stop = (): void => end.abort();
  const onSignal = (): void => {
    isTold = true;
    stop();
  };
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const isSeen = process.stdout.isTTY;
  let isAlone = false;
  const output = new Output(process.stdout, end.signal, () => {
    isAlone = true;
    end.abort();
  });
  const hasColour =
    options.color === "always" || (options.color === "auto" && isSeen && process.stdout.hasColors());
  const view = new View(new EventOpener(config), filter, output, {
    isJson: options.json ?? false,
    hasColour,
    hasProvenance: options.provenance ?? false,
    isTerminal: isSeen,
    maxShown: options.count ?? Infinity,
    onNotice: tell,
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const start = await startOf(place, options.since, end.signal);
    const pages = followStream({
      kinesis: onceOnly(place.kinesis),
      stream: place.stream,
      start,
      untilNow: !options.follow,
      signal: end.signal,
      onNotice: tell,
      onFollowing: (shards) => {
        tell(`${place.title}, stream ${place.stream}, ${counted(shards, "shard")}, ${startText(start)}`);
        if (options.for !== undefined) timer = setTimeout(stop, options.for);
      },
    });
    for await (const { shardId, records } of pages) {
      if (await view.show(shardId, records, end.signal)) break;
    }
  } catch (error) {
    if (!end.signal.aborted) throw explained(error, place.stream);
  } finally {
    clearTimeout(timer);
    end.abort();
    process.removeListener("SIGINT", onSignal).removeListener("SIGTERM", onSignal);
  }
  if (isAlone) return;
  tell(view.summary);
  if (view.unopened > 0) process.exitCode = 1;
  // Whoever told it to end does not wait for a reader that does not read.
  if (isTold && process.stdout.writableLength > 0) process.exit();
}

/** A client that calls once: the SDK's own retry would come within the second that a shard is left alone. */
function onceOnly({ config }: KinesisClient): KinesisClient {
  const { region, credentials, endpoint, requestHandler, systemClockOffset } = config;
  return new KinesisClient({
    region,
    credentials,
    requestHandler,
    systemClockOffset,
    ...(endpoint && { endpoint }),
    maxAttempts: 1,
  });
}

function explained(error: unknown, stream: string): unknown {
  if (!(error instanceof Error) || !isGone(error)) return error;
  const hint = "Was it deleted, or is it in another region? --region says which.";
  return new AccessError("NO_STREAM", `there is no stream ${stream}`, hint, { cause: error });
}

/** On the terminal, apart from the events. */
const tell = (text: string): void => console.error(`weir: ${text}`);

async function configOf(
  { config, type }: PeekArguments,
  loadConfig: (file: string) => Promise<WeirConfig>,
): Promise<WeirConfig | undefined> {
  if (config !== undefined || existsSync(CONFIG_FILE)) return loadConfig(config ?? CONFIG_FILE);
  if (type === undefined) return undefined;
  const hint = "Say --config FILE, or --tag for the events of a tag.";
  throw new AccessError("BAD_CONFIG", `there is no ${CONFIG_FILE} here to tell log types by`, hint);
}

/** @throws AccessError BAD_REQUEST */
function filterOf({ type, tag, host, grep }: PeekArguments, config: WeirConfig | undefined): EventFilter {
  const known = [...(config?.types ?? []).map(({ name }) => name), UNROUTED_TYPE, HEARTBEAT_TYPE];
  const unknown = type?.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const near = closest(unknown, known);
    const hint = near === undefined ? `There is ${known.join(", ")}.` : `Did you mean ${near}?`;
    throw new AccessError("BAD_REQUEST", `the configuration has no log type ${unknown}`, hint);
  }
  return new EventFilter({
    ...(type && { types: type }),
    ...(tag && { tags: tag }),
    ...(host && { hosts: host }),
    ...(grep !== undefined && { grep: patternOf("--grep", grep) }),
  });
}

/** Where reading begins: what is older than the stream keeps is told, and left out. */
async function startOf({ kinesis, stream }: Place, since: Start, abortSignal: AbortSignal): Promise<Start> {
  if (!(since instanceof Date)) return since;
  const command = new DescribeStreamSummaryCommand({ StreamName: stream });
  const { StreamDescriptionSummary: summary } = await kinesis.send(command, { abortSignal });
  const hours = summary!.RetentionPeriodHours!;
  if (Date.now() - since.getTime() < hours * 3_600_000) return since;
  tell(`${stream} keeps records for ${hours} hours: this begins with the oldest`);
  return "TRIM_HORIZON";
}

function startText(start: Start): string {
  if (start === "LATEST") return "from now on";
  return start === "TRIM_HORIZON" ? "from the oldest record on" : `from ${start.toISOString()} on`;
}
