import type { CommandName, CommandOf, LoaderAnswers } from "../../../wire/loader-command.ts";
import type { LoaderState } from "../state.ts";
import type { TickParts } from "../tick.ts";

/** What a command works with. */
export interface CommandSession {
  /** As the command found it. */
  readonly state: LoaderState;
  readonly parts: TickParts;
  /**
   * Saves over what was found, or what this command has saved since. Do what follows from a plan after the plan is
   * saved, as a tick does.
   *
   * @throws CommitLogError STATE_CONFLICT where a tick or a command has saved meanwhile: leave it alone, and the command
   *   begins anew on what that one saved
   */
  save(state: LoaderState): Promise<void>;
}

/**
 * Carries out one command. It may be asked twice for the same thing, and may begin anew after it has saved.
 *
 * @throws LoaderError where it may not be done: the operator is told its code, message and hint
 */
export type RunCommand<N extends CommandName> = (
  command: CommandOf<N>,
  session: CommandSession,
) => Promise<LoaderAnswers[N]>;
