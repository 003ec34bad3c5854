import { Command, InvalidArgumentError } from "commander";
import { onPlace, type PlaceArguments } from "../access/place-command.ts";
import { readStart } from "../access/start.ts";

export interface AuditArguments extends PlaceArguments {
  readonly since?: Date;
  readonly source?: string;
  readonly host?: string;
  readonly type?: string;
}

/** `weir audit`: whether all that agents read is in the lake, and all of the lake in its tables. */
export function auditCommand(): Command {
  const command = new Command("audit")
    .description("account for every byte of every file; the exit code is 0 only if all of it balances")
    .option("--since <time>", "what came to the log since a time, or so long ago (90m, 2h, 3d)", since)
    .option("--source <glob>", "files as host:path, such as web-1:/var/log/nginx/*.log")
    .option("--host <name>", "files of this host")
    .option("--type <name>", "files and tables of this log type");
  return onPlace<AuditArguments>(command, async (place, options) => {
    // Loaded late: an agent on a host has no use for it.
    const { runAudit } = await import("./run.ts");
    return runAudit(place, options);
  });
}

function since(value: string): Date {
  const start = readStart(value);
  if (start instanceof Date) return start;
  throw new InvalidArgumentError(
    "It should be a time such as 2026-11-21T10:00:00Z, or a while such as 2h or 3d.",
  );
}
