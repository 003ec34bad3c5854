import { on } from "node:events";
import { Command } from "commander";
import { destination, pino } from "pino";
import { ConfigError } from "../../wire/config.ts";
import { AgentError } from "../agent-error.ts";
import { checkAgent } from "./check/check.ts";
import { type AgentConfig, takesEvents } from "../config/config.ts";
import { importConfig } from "./import/import-config.ts";
import { importPositions } from "./import/positions/import-positions.ts";
import { positionsText } from "./import/positions/positions-text.ts";
import { writeTypes } from "./import/write-types.ts";
import { LogStream } from "../process/log-stream.ts";
import { readPositions } from "./positions.ts";
import { statusText, whereText } from "./position-text.ts";
import { readAgentConfig, readConfigText } from "../config/read-config.ts";
import { runAgent } from "../process/run-agent.ts";
import { openSecrets } from "../config/secret-files.ts";
import { ServiceManager } from "../process/service-manager.ts";
import type { AgentPhase } from "../process/agent.ts";

interface RunArguments {
  readonly config: string;
  readonly untilDrained?: boolean;
  readonly json?: boolean;
}

interface PositionsArguments {
  readonly config: string;
  readonly dryRun?: boolean;
  readonly replace?: boolean;
}

interface ImportArguments {
  readonly stream?: string;
  readonly types?: string;
}

/** `weir agent run` and `weir agent check`. A failure is told on stderr and in the exit code. */
export function agentCommand(): Command {
  const command = new Command("agent").description("follow log files on this host and send their lines");
  command
    .command("run")
    .description("follow the configured files until SIGTERM")
    .requiredOption("--config <file>", "the agent's TOML file")
    .option("--until-drained", "stop once every file is delivered to its present end")
    .action((args: RunArguments) => orExplain(() => run(args)));
  command
    .command("check")
    .description("tell what would keep the agent from running")
    .requiredOption("--config <file>", "the agent's TOML file")
    .action((args: RunArguments) => orExplain(() => check(args)));
  command
    .command("status")
    .description("tell how far every file and the spool are delivered")
    .requiredOption("--config <file>", "the agent's TOML file")
    .option("--json", "as JSON")
    .action((args: RunArguments) => orExplain(() => status(args)));
  command
    .command("where <source>")
    .description("tell how far a file, forward, stdin or a socket is delivered, and why not further")
    .requiredOption("--config <file>", "the agent's TOML file")
    .action((file: string, args: RunArguments) => orExplain(() => where(file, args)));
  command
    .command("import <file>")
    .description("make a configuration from that of fluent-agent-hydra, amazon-kinesis-agent or Fluentd")
    .option("--stream <name>", "take what goes there, or what Fluentd forwards or brings to S3 and Redshift")
    .option("--types <file>", "also write the log types that are known of, as a weir.config.ts; - for stdout")
    .action((file: string, args: ImportArguments) => orExplain(() => importFile(file, args)));
  command
    .command("positions <files...>")
    .description("begin where Fluentd, Fluent Bit or amazon-kinesis-agent has ended, by its own positions")
    .requiredOption("--config <file>", "the agent's TOML file")
    .option("--dry-run", "tell where each file would be read from, and write nothing")
    .option("--replace", "although the agent has positions of its own")
    .action((files: string[], args: PositionsArguments) => orExplain(() => positions(files, args)));
  return command;
}

async function run({ config: file, untilDrained = false }: RunArguments): Promise<void> {
  const config = await readAgentConfig(file);
  const stream = new LogStream();
  const log = pino({ base: { host: config.host } }, stream);
  const over = new AbortController();
  const stop = new AbortController();
  using systemd = new ServiceManager(process.env, log);
  const onSignal = (name: NodeJS.Signals) => {
    log.info({ signal: name }, "stopping");
    systemd.tell("stopping");
    stop.abort();
  };
  process.once("SIGTERM", onSignal).once("SIGINT", onSignal);
  const reloads = onHangUp(() => readAgentConfig(file), over.signal);
  const onPhase = (phase: AgentPhase) => systemd.tell(phase);
  log.info({ stream: config.stream, stateDir: config.state_dir }, "starting");
  for (const warning of await openSecrets(config, file)) log.warn(warning);
  try {
    const sent = await runAgent(config, { signal: stop.signal, log, untilDrained, reloads, onPhase });
    log.info(sent, "stopped");
  } catch (error) {
    // Were nobody to read stderr, telling it there would never end.
    if (!(await stream.end())) process.exit(1);
    throw error;
  } finally {
    over.abort();
    process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
  }
  if (!(await stream.end())) process.exit(0);
}

/** One for each SIGHUP, which would end the process if nobody listened. */
function onHangUp<T>(value: T, signal: AbortSignal): AsyncIterator<T, void> {
  const hangUps = on(process, "SIGHUP", { signal });
  return {
    next: () =>
      hangUps.next().then(
        () => ({ done: false, value }),
        () => ({ done: true, value: undefined }),
      ),
  };
}

async function check({ config: file }: RunArguments): Promise<void> {
  const config = await readAgentConfig(file);
  const log = pino(destination({ fd: 2, sync: true }));
  const findings = await checkAgent(config, log, new AbortController().signal);
  for (const { isProblem, text } of findings) if (!isProblem) process.stdout.write(`${text}\n`);
  for (const warning of await openSecrets(config, file)) process.stdout.write(`warning: ${warning}\n`);
  const problems = findings.filter(({ isProblem }) => isProblem).map(({ text }) => text);
  if (problems.length > 0) throw new ConfigError(file, problems);
  process.stdout.write(`${file}: ready to send ${inputsOf(config)} into ${config.stream}\n`);
}

async function status({ config: file, json = false }: RunArguments): Promise<void> {
  const config = await readAgentConfig(file);
  const text = json
    ? `${JSON.stringify(await readPositions(config), undefined, 2)}\n`
    : await statusText(config);
  process.stdout.write(text);
}

async function where(path: string, { config: file }: RunArguments): Promise<void> {
  process.stdout.write(await whereText(await readAgentConfig(file), path));
}

/** The configuration on stdout, or the types where they are to go there; what is in neither on stderr. */
async function importFile(file: string, { stream, types }: ImportArguments): Promise<void> {
  const { toml, notes, imported } = importConfig(await readConfigText(file), file, stream);
  const written = types === undefined ? undefined : await writeTypes(imported, file, types);
  if (types !== "-") process.stdout.write(toml);
  for (const note of written ?? notes) process.stderr.write(`${note}\n`);
}

async function positions(
  files: readonly string[],
  { config: file, dryRun = false, replace = false }: PositionsArguments,
): Promise<void> {
  const options = { isDryRun: dryRun, replaces: replace };
  process.stdout.write(positionsText(await importPositions(files, await readAgentConfig(file), options)));
}

function inputsOf(config: AgentConfig): string {
  const inputs = config.files.length > 0 ? [`${config.files.length} entries of files`] : [];
  if (takesEvents(config)) inputs.push("what is pushed");
  return inputs.join(" and ");
}

/** Expected failures in the words of their error; anything else is a defect and keeps its stack. */
async function orExplain(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof AgentError) && !(error instanceof ConfigError)) throw error;
    const hint = error instanceof AgentError ? `\n  ${error.hint}` : "";
    process.stderr.write(`weir agent: ${error.message}${hint}\n`);
    process.exitCode = 1;
  }
}
