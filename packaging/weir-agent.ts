import { config } from "zod";
import { agentCommand } from "../agent/command/command.ts";
import { version } from "../agent/process/version.ts";

// The agent reads one file: to compile what checks it takes longer than to check it.
config({ jitless: true });

// As ps and systemd name it; Node would name its main thread.
process.title = "weir-agent";

/** What runs on hosts: the agent's commands, and none of the others. */
void agentCommand().name("weir-agent").version(version()).parseAsync();
