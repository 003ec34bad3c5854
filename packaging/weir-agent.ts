import { agentCommand } from "../agent/command.ts";
import { version } from "../agent/version.ts";

/** What runs on hosts: the agent's commands, and none of the others. */
void agentCommand().name("weir-agent").version(version()).parseAsync();
