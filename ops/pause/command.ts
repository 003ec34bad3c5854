import { Command } from "commander";
import { onPlace } from "../access/place-command.ts";

/** `weir pause`: the router takes no more batches; agents go on, and the stream keeps what they send. */
export function pauseCommand(): Command {
  const command = new Command("pause").description(
    "stop the router's event source mapping, and say until when it has to be resumed",
  );
  return switchCommand(command, false);
}

/** `weir resume`: the router goes on where it was. */
export function resumeCommand(): Command {
  const command = new Command("resume").description(
    "start the router's event source mapping again, where it stopped",
  );
  return switchCommand(command, true);
}

function switchCommand(command: Command, on: boolean): Command {
  return onPlace(command, async (place) => {
    // Loaded late: an agent on a host has no use for it.
    const { runSwitch } = await import("./run.ts");
    return runSwitch(place, on);
  });
}
