import { chown, copyFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError } from "../../../../wire/config.ts";
import { AgentError, systemCode } from "../../../agent-error.ts";
import type { AgentState } from "../../../progress/checkpoint-schema.ts";
import { CheckpointFile, makeStateDirectory } from "../../../progress/checkpoint.ts";
import type { AgentConfig } from "../../../config/config.ts";
import { StateLock } from "../../../progress/state-lock.ts";
import { identityKey } from "../../../tail/disk/file-identity.ts";
import { FileRule } from "../../../tail/files/file-rule.ts";
import { type CarriedOver, carryOver } from "./carry-over.ts";
import { holderOf } from "./held-open.ts";
import { readForeignPositions } from "./read-foreign-positions.ts";

/** How the checkpoint is kept that was there before. */
export const KEPT_AS = "checkpoint.json.before-positions";

export interface ImportPositionsOptions {
  /** Changes nothing. */
  readonly isDryRun: boolean;
  /** Goes on although there is a checkpoint. */
  readonly replaces: boolean;
}

export interface ImportedPositions extends CarriedOver {
  readonly kinds: readonly string[];
  /** Undefined where nothing was written. */
  readonly checkpoint: string | undefined;
}

/**
 * Writes a checkpoint with which the agent begins where another one has ended.
 *
 * @throws AgentError STATE_LOCKED while an agent runs, CHECKPOINT_EXISTS, POSITIONS_IN_USE; ConfigError
 */
export async function importPositions(
  files: readonly string[],
  config: AgentConfig,
  { isDryRun, replaces }: ImportPositionsOptions,
): Promise<ImportedPositions> {
  const read = await Promise.all(files.map(readForeignPositions));
  const notes = read.flatMap(({ notes }, i) => notes.map((note) => `${files[i]}: ${note}`));
  const positions = read.flatMap((one) => one.positions);
  if (positions.length === 0) throw new ConfigError(files.join(", "), ["there is no position", ...notes]);
  const kinds = [...new Set(read.map(({ kind }) => kind))];
  const checkpoint = new CheckpointFile(config.state_dir);
  const rules = config.files.map((entry) => new FileRule(entry));
  const carry = async (): Promise<[CarriedOver, AgentState]> => {
    const before = await checkpoint.load();
    const { salt } = checkpoint.machine;
    return [await carryOver(positions, { rules, host: config.host, salt, nowMs: Date.now() }), before];
  };
  if (isDryRun) {
    const [carried] = await carry();
    return { ...carried, kinds, notes: [...notes, ...carried.notes], checkpoint: undefined };
  }
  for (const file of files) await assertAtRest(file);
  await makeStateDirectory(config.state_dir);
  await using _lock = await StateLock.take(config.state_dir);
  const owner = await stat(config.state_dir);
  const exists = await keep(checkpoint.path, join(config.state_dir, KEPT_AS), replaces);
  const [carried, before] = await carry();
  await checkpoint.save(exists ? merged(carried.state, before) : { ...before, ...carried.state }, new Date());
  const written = [
    checkpoint.path,
    join(config.state_dir, "checkpoint.reserve"),
    join(config.state_dir, KEPT_AS),
  ];
  for (const path of written) await give(path, owner);
  return { ...carried, kinds, notes: [...notes, ...carried.notes], checkpoint: checkpoint.path };
}

/** What the agent knows of other files it goes on to know. */
function merged(state: CarriedOver["state"], before: AgentState): AgentState {
  const carried = new Set(state.files.map(({ record }) => identityKey(record.file)));
  const others = before.files.filter(({ record }) => !carried.has(identityKey(record.file)));
  const files = [...others, ...state.files];
  const known = new Set(files.map(({ record }) => identityKey(record.file)));
  const copies = [...before.copies, ...state.copies].filter(({ file }) => !known.has(identityKey(file)));
  return { ...before, rules: [...new Set([...before.rules, ...state.rules])], files, copies };
}

/** @returns whether there was a checkpoint @throws AgentError CHECKPOINT_EXISTS */
async function keep(path: string, as: string, replaces: boolean): Promise<boolean> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) return false;
  if (!replaces) {
    const hint = `It goes on by itself. With --replace these positions count; ${KEPT_AS} beside it keeps what was.`;
    throw new AgentError("CHECKPOINT_EXISTS", path, "this agent has positions of its own", hint);
  }
  await copyFile(path, as);
  return true;
}

/** @throws AgentError POSITIONS_IN_USE */
async function assertAtRest(file: string): Promise<void> {
  const holder = await holderOf(file);
  if (holder === undefined) return;
  const hint =
    "Stop the other agent first: what it reads from now on would come twice. --dry-run may be used now.";
  throw new AgentError("POSITIONS_IN_USE", file, `${holder} has it open`, hint);
}

/** The agent may run as another user than the one who imports. */
async function give(
  path: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  try {
    await chown(path, uid, gid);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}
