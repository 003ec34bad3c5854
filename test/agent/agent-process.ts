import { agentCommand } from "../../agent/command.ts";

// The agent as a process of its own, for tests that kill it: `run --config FILE`.
await agentCommand().parseAsync(process.argv.slice(2), { from: "user" });
