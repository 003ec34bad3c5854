import * as z from "zod";
import type { TypeCounts } from "./commit.ts";

/** Objects in one command: its answer, a few kilobytes of each at most, is to stay below Lambda's 6 MB. */
export const REPARSE_MAX_OBJECTS = 200;

/**
 * What an operator asks of the router: its function is invoked with one of these instead of a batch of the stream. An
 * Invoke whose answer was lost is sent again, and does what it did.
 */
export const routerCommandSchema = z.discriminatedUnion("command", [
  /**
   * Files lines that were rejected, or records that could not be opened, anew, by the configuration that is deployed: each
   * object in a commit of its own (docs/record-format.md).
   */
  z.strictObject({
    command: z.literal("reparse"),
    /** Keys of objects, as their commits name them. */
    objects: z.array(z.string().max(1_024)).min(1).max(REPARSE_MAX_OBJECTS),
    /** Writes nothing, and answers what would be. */
    dryRun: z.boolean().default(false),
  }),
]);

export type RouterCommand = z.output<typeof routerCommandSchema>;
/** As an operator's side writes it: what has a default may be left out. */
export type RouterRequest = z.input<typeof routerCommandSchema>;

export type RouterAnswer =
  | ({ readonly ok: true } & ReparseAnswer)
  | { readonly ok: false; readonly error: { readonly code: string; readonly message: string } };

export interface ReparseAnswer {
  /** In the order that they were asked for. */
  readonly objects: readonly ReparsedObject[];
  /** Those that there was no time for: ask again. */
  readonly left: readonly string[];
}

/** What became of an object. */
export type ReparsedObject = { readonly key: string } & (
  | ({
      /** With dryRun: would be filed. */
      readonly outcome: "filed";
      /** Key of its commit; absent with dryRun. */
      readonly commit?: string;
    } & ReparsedLines)
  /** It is as it would be. */
  | ({ readonly outcome: "unchanged" } & ReparsedLines)
  /** It cannot be read, or not now, and stays as it is. */
  | { readonly outcome: "left"; readonly error: string }
);

export interface ReparsedLines {
  /** Lines, or records, that it holds. */
  readonly read: number;
  /** By the log types that its lines have now. */
  readonly types: Readonly<
    Record<string, Pick<TypeCounts, "lines" | "rows" | "rejected" | "filtered" | "duplicates">>
  >;
  /** Records that still cannot be opened. */
  readonly quarantined: number;
  /** Why lines are rejected, and records quarantined, again; the most frequent reasons first. */
  readonly reasons: readonly ReparseReason[];
}

export interface ReparseReason {
  /** Log type; "" for records. */
  readonly type: string;
  /** A RejectReason, or the WireErrorCode of records. */
  readonly reason: string;
  readonly field?: string;
  readonly count: number;
  /** The first of them. */
  readonly example: {
    readonly detail: string;
    /** The line, cut; absent for records. */
    readonly line?: string;
    /** `<_src>@<_off>` of the line, `<shardId>:<sequenceNumber>` of the record. */
    readonly place: string;
  };
}
