import * as z from "zod";
import { type KnownMachine, MACHINE_KINDS, type MachineKind } from "./machine.ts";
import type { Volume } from "./volume.ts";

/** How sources last came to go on under new ids. */
export interface Renewal {
  readonly at: string;
  /** The state came to another machine; or it is a copy that was put back, and the spool's segments with it. */
  readonly why: "machine" | "restored";
  readonly sources: number;
  /** What told the machine, where that is the reason. */
  readonly kind?: MachineKind | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** The machine that a state belongs to. */
export interface MachineState {
  readonly known: KnownMachine;
  /**
   * A part of every new id, once the state has come to another machine: whatever else ids are made of may be the same
   * on the machine that it came from.
   */
  readonly salt?: string | undefined;
  /** EBS volume that holds it. One that was made from a snapshot has another id. */
  readonly volume?: Volume | undefined;
  readonly renewal?: Renewal | undefined;
}

/** A state from before machines were written down: the first one it is found on takes it over. */
export const NO_MACHINE: MachineState = { known: {} };

const kind = z.enum(MACHINE_KINDS);

/** As it stands in a checkpoint. */
export const machineStateSchema = z.strictObject({
  known: z.partialRecord(kind, z.string()),
  salt: z.string().optional(),
  volume: z.strictObject({ id: z.string(), dev: z.string() }).optional(),
  renewal: z
    .strictObject({
      at: z.iso.datetime(),
      why: z.enum(["machine", "restored"]),
      sources: z.int().min(0),
      kind: kind.optional(),
      from: z.string().optional(),
      to: z.string().optional(),
    })
    .optional(),
});

/** What `weir agent status` says of it. */
export function renewalText({ at, why, sources, kind, from, to }: Renewal): string {
  const what =
    why === "machine" ? `the state came from another machine (${kind}: ${from}, now ${to})` : RESTORED;
  const goOn = sources === 1 ? "1 source goes on under a new id" : `${sources} sources go on under new ids`;
  return `${at}: ${what}; ${goOn}, and what was sent after the last checkpoint may have come twice`;
}

const RESTORED = "the state is a copy that was put back";
