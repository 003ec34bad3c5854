import type { AgentConfig } from "../../config/config.ts";
import { readMachine } from "../../machine/read-machine.ts";
import { fine, type Finding } from "./finding.ts";

/** Tells by what a copy of the state directory would be noticed on another machine. */
export async function checkMachine({ machine }: AgentConfig): Promise<Finding> {
  const [surest] = await readMachine(machine);
  if (surest) return fine(`machine: told by ${surest.kind}, ${surest.value}`);
  const hint =
    "a copy of state_dir on another one would not be noticed. Set machine where it may come to one";
  return fine(`machine: nothing tells which this is: ${hint}`);
}
