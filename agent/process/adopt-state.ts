import type { Logger } from "pino";
import type { AgentState } from "../progress/checkpoint-schema.ts";
import type { Copy } from "../tail/files/copies.ts";
import type { Resume } from "../framing/line-framer.ts";
import type { FilePosition } from "../tail/files/tail-state.ts";
import { changeOfMachine, digestOf, MACHINE_KINDS, type MachineId, remembered } from "../machine/machine.ts";
import type { MachineState, Renewal } from "../machine/machine-state.ts";
import type { Volume } from "../machine/volume.ts";

export interface Adoption {
  readonly state: AgentState;
  readonly machine: MachineState;
  /** Undefined where all ids are kept. With one, that of the spool is another from now on. */
  readonly renewal: Renewal | undefined;
}

export interface AdoptionOptions {
  readonly state: AgentState;
  readonly machine: MachineState;
  /** The checkpoint is not the file that was written: somebody has put a copy in its place. */
  readonly isRestored: boolean;
  /** EBS volume that holds the state, where that can be told. */
  readonly volume: Volume | undefined;
  /** What tells which machine this is, the surest first. */
  readonly found: readonly MachineId[];
  /** Name of this host. */
  readonly host: string;
  readonly now: Date;
  readonly log: Logger;
}

/**
 * Takes a state over for this machine. Where it was another's, that one may go on writing under the same ids: all
 * sources get others. Where it was put back, files are what they are and keep theirs, unless their volume was put back with
 * it; but the spool may since have held other events at the same offsets.
 */
export function adoptState(options: AdoptionOptions): Adoption {
  const { state, found, host, now } = options;
  const change = changeOfMachine(options.machine.known, found);
  const known = remembered(options.machine.known, found, change);
  const before = options.machine.volume;
  const volume = options.volume ?? before;
  // What was copied file by file has left the other files of its volume where they were.
  const isOtherVolume = !options.isRestored && before !== undefined && before.id !== volume!.id;
  const machine = { ...options.machine, known, volume };
  const at = now.toISOString();
  if (change) {
    const salt = digestOf(change.kind, change.to);
    const sources = state.files.length + (state.spool ? 1 : 0);
    const renewal: Renewal = { at, why: "machine", sources, ...change };
    tellRenewal(options, renewal);
    return {
      state: moved(state, salt, host, () => true),
      machine: { known, salt, volume, renewal },
      renewal,
    };
  }
  tellKinds(options);
  if (!options.isRestored && !isOtherVolume) return { state, machine, renewal: undefined };
  // On a volume that is as it was then, files may come to hold other bytes where some were delivered.
  const isRewound = ({ record }: FilePosition) => isOtherVolume && record.file.dev === before.dev;
  const sources = state.files.filter(isRewound).length + (state.spool ? 1 : 0);
  const renewal: Renewal = { at, why: "restored", sources };
  tellRenewal(options, renewal);
  // A spool that came later than the copy was made is not the one that it knew.
  if (sources === 0) return { state, machine, renewal: undefined };
  if (!isOtherVolume) return { state, machine: { ...machine, renewal }, renewal };
  const salt = digestOf("volume", volume!.id);
  return { state: moved(state, salt, host, isRewound), machine: { ...machine, salt, renewal }, renewal };
}

/** The same sources, those that go on elsewhere under ids that nothing else gives them. */
function moved(
  state: AgentState,
  salt: string,
  host: string,
  goesOn: (file: FilePosition) => boolean,
): AgentState {
  const going = state.files.filter(goesOn);
  const ids = new Map(going.map(({ record: { source } }) => [source.id, digestOf(source.id, salt)]));
  const files = state.files.map((file): FilePosition => {
    if (!goesOn(file)) return file;
    const { record, resume } = file;
    const source = { ...record.source, id: ids.get(record.source.id)!, host };
    return { record: { ...record, source, salt }, resume: goOnAfter(record.source.id, resume) };
  });
  const copies = state.copies.map((copy): Copy => ({ ...copy, of: ids.get(copy.of) ?? copy.of }));
  return { ...state, files, copies };
}

/** Where a source stands that was `source` until here. One that has sent nothing under an id passes it over. */
function goOnAfter(source: string, resume: Resume): Resume {
  const { offset, gap } = resume;
  const delivered = gap?.from ?? offset;
  if (delivered === 0 || gap?.before) return resume;
  const earlier = { from: 0, reason: "earlier-identity", lines: 0, source } as const;
  return { ...resume, gap: gap ? { ...gap, before: earlier } : earlier };
}

function tellRenewal({ log, state }: AdoptionOptions, { why, sources, kind, from, to }: Renewal): void {
  if (why === "machine") {
    const message =
      "the state comes from another machine: its sources go on under new ids, and what was sent after the last " +
      "checkpoint may come twice";
    return log.warn({ kind, from, to, sources }, message);
  }
  const message =
    "the state is a copy that was put back: what was delivered since is read again, files under the ids they have " +
    "unless their volume is another, pushed events under a new one, so that some of those may come twice";
  log.warn({ sources, savedAt: state.savedAtMs && new Date(state.savedAtMs).toISOString() }, message);
}

/** What a copied state would be known by, or could not be. */
function tellKinds({ machine: { known }, found, log }: AdoptionOptions): void {
  const before = MACHINE_KINDS.filter((kind) => known[kind] !== undefined);
  const now = found.map(({ kind }) => kind);
  const [surest] = found;
  if (surest === undefined) {
    const message =
      "nothing tells which machine this is: ids are kept, and a copied state would not be noticed";
    const level = before.length === 0 ? "info" : "warn";
    return log[level]({ known: before, hint: 'Set machine, such as machine = "${NODE_NAME}".' }, message);
  }
  if (before.length === 0) return log.info(surest, "the state belongs to this machine");
  if (before.some((kind) => now.includes(kind)) && before[0] === surest.kind) return;
  log.warn({ known: before, found: now }, "the machine is told by something else than before: ids are kept");
}
