import { resolve } from "node:path";
import { checkFiles } from "../../agent/command/check/check-files.ts";
import { checkInputs } from "../../agent/command/check/check-inputs.ts";
import { AgentError } from "../../agent/agent-error.ts";
import type { AgentConfig } from "../../agent/config/config.ts";
import { readAgentConfig, readConfigText } from "../../agent/config/read-config.ts";
import { parseToml } from "../../agent/config/toml.ts";
import { freePort } from "../part.ts";
import { RunError } from "../run/run-error.ts";

type Table = Readonly<Record<string, unknown>>;

/** An agent's configuration of its user's own, as it runs on the laptop cloud. */
export interface AgentFile {
  readonly path: string;
  /** Configuration as it was read, the laptop's own settings not in it. */
  readonly config: AgentConfig;
  /** Settings as they are written, for the agent to read, but for what the laptop has in their place. */
  readonly settings: Table;
  /** Variables of the environment that it names. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Settings that lead out of this machine, or that only one agent of it can have. */
const REPLACED = {
  stream: "is the laptop's",
  region: "is the laptop's",
  endpoint: "is the laptop's",
  aws: "is left out: the laptop's credentials are for itself alone",
  state_dir: "is in the folder of this run",
  monitor: "is the laptop's, on a port of its own",
  cloudwatch: "is left out: nothing is sent to AWS",
  ec2_labels: "are left out: this machine has no instance metadata",
  shutdown: "is the laptop's, which waits longer",
} as const;

/** @throws ConfigError, AgentError of what the agent itself would not take; RunError INPUT */
export async function readAgentFile(file: string): Promise<AgentFile> {
  const path = resolve(file);
  const variables: Record<string, string> = {};
  const config = await readAgentConfig(path, noting(process.env, variables)).catch((error: unknown) => {
    if (!(error instanceof AgentError)) throw error;
    throw new RunError("INPUT", `--agent: ${error.message}`, error.hint, { cause: error });
  });
  const settings = { ...parseToml(await readConfigText(path), path) };
  for (const name of Object.keys(REPLACED)) delete settings[name];
  return withPort({ path, config, settings, variables });
}

/** Says which settings of the file the laptop has others for, a line each, and what the entries match. */
export async function describeAgentFile(
  { path, config }: AgentFile,
  say: (line: string) => void,
): Promise<void> {
  const written = parseToml(await readConfigText(path), path);
  say(`agent: ${path}, as it is but for these settings:`);
  for (const [name, text] of Object.entries(REPLACED)) if (name in written) say(`  ${name} ${text}`);
  for (const { text } of await checkFiles(config.files)) say(`  ${text}`);
}

/**
 * Finds out before anything is started what would keep the agent from listening.
 *
 * @throws RunError INPUT
 */
export async function assertInputs({ path, config }: AgentFile, stateDir: string): Promise<void> {
  const monitor = { ...config.monitor, port: 0, unix_path: undefined, token_file: undefined };
  // Another agent of this machine may hold the port: it is not the one that is about to run.
  const findings = await checkInputs({ ...config, monitor, state_dir: stateDir });
  const problems = findings.filter(({ isProblem }) => isProblem).map(({ text }) => text);
  if (problems.length === 0) return;
  throw new RunError("INPUT", `--agent: ${path}: ${problems.join("; ")}`, hintFor(problems.join(), config));
}

function hintFor(problems: string, { forward }: AgentConfig): string {
  const port = forward?.port ?? 0;
  if (problems.includes("EADDRINUSE"))
    return `Stop what listens there (lsof -i :${port}), or give [forward] another port in this file.`;
  if (problems.includes("EACCES") && port < 1024)
    return "Ports below 1024 are the administrator's: give [forward] a higher one, such as 24224, in this file.";
  return "Mend what is named, or name another file with --agent.";
}

/** Senders have to know the port, and the agent that drains must not take another: any port becomes a certain one. */
async function withPort(file: AgentFile): Promise<AgentFile> {
  const { forward } = file.config;
  if (forward?.port !== 0) return file;
  const port = await freePort();
  return {
    ...file,
    config: { ...file.config, forward: { ...forward, port } },
    settings: { ...file.settings, forward: { ...(file.settings["forward"] as Table), port } },
  };
}

/** Notes each variable that is asked for: the agent gets those, and no others of this shell. */
function noting(
  environment: NodeJS.ProcessEnv,
  noted: Record<string, string>,
): Readonly<Record<string, string | undefined>> {
  return new Proxy(environment, {
    get(target, name) {
      const value = typeof name === "string" ? target[name] : undefined;
      if (value !== undefined) noted[name as string] = value;
      return value;
    },
  });
}
