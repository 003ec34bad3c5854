import { createHash } from "node:crypto";

/**
 * What tells one machine from another, the surest first. Host name and boot id are none of them: they change by
 * themselves.
 */
export const MACHINE_KINDS = ["machine", "ec2-instance", "machine-id"] as const;
export type MachineKind = (typeof MACHINE_KINDS)[number];

/** What a machine is told by: the setting `machine`, its EC2 instance id, or a digest of /etc/machine-id. */
export interface MachineId {
  readonly kind: MachineKind;
  readonly value: string;
}

/** What a state knows of the machine it belongs to, by kind. */
export type KnownMachine = Readonly<Partial<Record<MachineKind, string | undefined>>>;

export interface MachineChange {
  readonly kind: MachineKind;
  readonly from: string;
  readonly to: string;
}

/**
 * Whether a state has come to another machine. The first kind that both the state and this start know decides: what
 * cannot be told at present, or could not before, says nothing.
 *
 * @param found the surest first
 */
export function changeOfMachine(known: KnownMachine, found: readonly MachineId[]): MachineChange | undefined {
  for (const { kind, value } of found) {
    const from = known[kind];
    if (from !== undefined) return from === value ? undefined : { kind, from, to: value };
  }
  return undefined;
}

/**
 * What is known after this start. A kind that is away stays known, as it may come back elsewhere; of a machine that was
 * left nothing does.
 */
export function remembered(
  known: KnownMachine,
  found: readonly MachineId[],
  change: MachineChange | undefined,
): KnownMachine {
  const now = Object.fromEntries(found.map(({ kind, value }) => [kind, value]));
  return change ? now : { ...known, ...now };
}

const DIGEST_BYTES = 9;

/** Short, and safe in an id: 12 characters of [A-Za-z0-9_-]. */
export function digestOf(...texts: readonly string[]): string {
  const hash = createHash("sha256").update(texts.join("\0")).digest();
  return hash.subarray(0, DIGEST_BYTES).toString("base64url");
}
