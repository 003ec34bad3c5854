import type * as z from "zod";
import {
  type CommandName,
  type CommandOf,
  type LoaderAnswer,
  type LoaderAnswers,
  type LoaderCommand,
  loaderCommandSchema,
  type LoaderRefusal,
} from "../../../wire/loader-command.ts";
import { CommitLogError } from "../../commit-log/commit-log-error.ts";
import { LoaderError } from "../loader-error.ts";
import { readState } from "../read-state.ts";
import { beginAnewOnConflict } from "../state-conflict.ts";
import type { TickParts } from "../tick.ts";
import type { CommandSession, RunCommand } from "./command.ts";
import { audit } from "./audit.ts";
import { erase, match } from "./erase.ts";
import { pause, resume } from "./pause.ts";
import { reload } from "./reload.ts";
import { retry, skip } from "./refused.ts";
import { schema } from "./schema.ts";
import { status } from "./status.ts";

/** Every command there is. */
const COMMANDS: { readonly [N in CommandName]: RunCommand<N> } = {
  audit,
  erase,
  match,
  pause,
  reload,
  resume,
  retry,
  schema,
  skip,
  status,
};

/** True for an event that is meant to be a command, whether or not there is such a command. */
export function isCommand(event: unknown): event is { readonly command: unknown } {
  return typeof event === "object" && event !== null && "command" in event;
}

/** Carries out a command. Rejects only for what nobody expects: a defect, or a service that is away. */
export async function answer(event: { readonly command: unknown }, parts: TickParts): Promise<LoaderAnswer> {
  try {
    const command = parseCommand(event);
    const answer = await beginAnewOnConflict(() => run(command.command, command, parts));
    parts.log.info("command carried out", { ...command });
    return { ok: true, ...answer };
  } catch (error) {
    if (!(error instanceof LoaderError || error instanceof CommitLogError)) throw error;
    parts.log.warn("command refused", { command: event.command, error });
    return { ok: false, error: refusal(error) };
  }
}

async function run<N extends CommandName>(
  name: N,
  command: CommandOf<N>,
  parts: TickParts,
): Promise<LoaderAnswers[N]> {
  const state = await readState(parts);
  const save: CommandSession["save"] = (state) => parts.saved.save(state);
  return COMMANDS[name](command, { state, parts, save });
}

/** @throws LoaderError BAD_COMMAND, which names the field */
function parseCommand(event: { readonly command: unknown }): LoaderCommand {
  if (!Object.hasOwn(COMMANDS, String(event.command))) {
    const known = Object.keys(COMMANDS).join(", ");
    const hint = `this loader knows ${known}: deploy the release that the command comes from`;
    throw new LoaderError("BAD_COMMAND", `no command ${JSON.stringify(event.command)}`, hint);
  }
  const parsed = loaderCommandSchema.safeParse(event);
  if (parsed.success) return parsed.data;
  throw new LoaderError("BAD_COMMAND", parsed.error.issues.map(problem).join("; "));
}

const problem = ({ path, message }: z.core.$ZodIssue): string => `${path.join(".") || "command"}: ${message}`;

/** The error without its hint, which its message ends with. */
function refusal({ code, message, hint }: LoaderError | CommitLogError): LoaderRefusal {
  if (hint === undefined) return { code, message };
  return { code, message: message.slice(0, -`; ${hint}`.length), hint };
}
