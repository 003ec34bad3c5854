import type { FluentdSection } from "./fluentd-syntax.ts";
import type { ImportedCondition } from "./imported.ts";

/** A filter that events pass, or that some of them may pass. */
export interface PassedFilter {
  readonly section: FluentdSection;
  readonly isSure: boolean;
}

/** Lines in which each of `include` is found and none of `exclude`. */
export interface LineChoice {
  readonly include: readonly string[];
  readonly exclude: readonly ImportedCondition[];
}

/** Events on their way. A star in their tag stands for any text. */
export interface Events {
  readonly tag: string;
  readonly label: string | undefined;
  readonly worker: string | undefined;
  readonly filters: readonly PassedFilter[];
  readonly by: readonly FluentdSection[];
  readonly lines: LineChoice;
  /** The field that is the whole line, undefined where lines are parsed. */
  readonly wholeLineKey: string | undefined;
}

/** What becomes of events that a source emits, or of a part of them. */
export type Fate =
  | {
      readonly to: "stream";
      readonly tag: string;
      readonly filters: readonly PassedFilter[];
      /** The sections that bring them there. */
      readonly by: readonly FluentdSection[];
      /** Patterns that decide which lines they are. */
      readonly lines: LineChoice;
    }
  | {
      readonly to: "elsewhere" | "unknown";
      readonly why: string;
      /** Whether Fluentd kept them nowhere, as no section takes their tag. */
      readonly isDropped?: true;
    };
