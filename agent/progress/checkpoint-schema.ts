import * as z from "zod";
import { GAP_REASONS } from "../../wire/provenance.ts";
import { type MachineState, machineStateSchema, NO_MACHINE } from "../machine/machine-state.ts";
import type { SpoolPosition } from "../push/spool/segments.ts";
import type { TailState } from "../tail/files/tail-state.ts";

/** Everything a checkpoint keeps. */
export interface AgentState extends TailState {
  readonly spool: SpoolPosition | undefined;
}

const count = z.int().min(0);
const decimal = z.string().regex(/^-?\d+$/);
const identity = z.strictObject({ dev: decimal, ino: decimal, birthtimeNs: decimal });

const gap = z.strictObject({
  from: count,
  reason: z.enum(GAP_REASONS),
  lines: count,
  source: z.string().optional(),
});

/** One file of a checkpoint. */
export const fileSchema = z.strictObject({
  record: z.strictObject({
    source: z.strictObject({ id: z.string(), host: z.string(), path: z.string() }),
    tag: z.string(),
    file: identity,
    generation: count,
    isNamed: z.boolean(),
    location: z.string(),
    hasEnded: z.boolean(),
    goneAtMs: count.optional().transform((goneAtMs) => goneAtMs),
    header: z.strictObject({ bytes: count, sha256: z.base64() }),
    guard: z
      .strictObject({ end: count, base64: z.base64() })
      .optional()
      .transform((guard) => guard),
    verified: z
      .strictObject({ size: count, mtimeNs: decimal })
      .optional()
      .transform((verified) => verified),
    unpacked: z
      .strictObject({ bytes: count, damage: z.string().optional(), expected: count.optional() })
      .optional()
      .transform((unpacked) => unpacked),
    breaks: z.array(count),
    salt: z.string().optional(),
  }),
  resume: z.strictObject({
    offset: count,
    standing: z.enum(["line", "open", "cut"]),
    gap: gap
      .extend({ before: gap.optional() })
      .optional()
      .transform((gap) => gap),
  }),
});

/** All of a checkpoint but its files. */
export const headSchema = z.strictObject({
  version: z.literal(1),
  savedAt: z.iso.datetime(),
  /** When the file was made that this was written to, which a copy of it was not. */
  bornAtNs: decimal.optional(),
  machine: machineStateSchema.optional().transform((machine): MachineState => machine ?? NO_MACHINE),
  /** `[[files]]` entries that have been in use: `start_at` no longer applies to them. */
  rules: z.array(z.string()),
  /** How far pushed events are delivered, and were on disk. */
  spool: z
    .strictObject({ sourceId: z.string(), offset: count, end: count.optional(), gap: gap.optional() })
    .optional()
    .transform((spool) => spool),
  /** Files that hold what another one held, and so are not read. */
  copies: z.array(
    z.strictObject({ file: identity, size: count, mtimeNs: decimal.optional(), of: z.string() }),
  ),
});
