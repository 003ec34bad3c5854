/** How far another agent had read a file, as it wrote that down. */
export interface ForeignPosition {
  readonly path: string;
  /** Decimal. "0" where it had not opened the file yet. */
  readonly ino: string;
  readonly offset: number;
  /** It had stopped following the file, and dropped the offset. */
  readonly isUnwatched: boolean;
  /** It read one file of a pattern after the other, so that it was done with older ones. */
  readonly isInOrder: boolean;
  /** Nothing that was made later can be what it read. */
  readonly knownAtMs: number;
  /** Time of the last change of the file that was read, or a time before it was changed again; undefined where that was not written down. */
  readonly changedAtMs?: number | undefined;
}

export interface ForeignPositions {
  /** Name of the format, for people. */
  readonly kind: string;
  /** The latest of each file is the last. */
  readonly positions: readonly ForeignPosition[];
  /** What could not be taken. */
  readonly notes: readonly string[];
}
