import type { StatementEvent } from "./statement-event.ts";

/** What may go wrong with one call of the API. */
export type CallFault =
  | "throttled"
  /** As for a moment while the service is deployed. */
  | "unavailable"
  | "too-many-sessions"
  /** The connection breaks before the call is carried out, or after. */
  | "lost-request"
  | "lost-answer";

/**
 * What the warehouse, its API and its events are going through. All is well until a test says otherwise, at any time.
 */
export class WarehouseConditions {
  /** Asked for every call of the API. */
  fault: (operation: string) => CallFault | undefined = () => undefined;
  /** How long after its end each copy of a statement's event comes: none where it is lost, two where it is doubled. */
  delivery: (event: StatementEvent) => readonly number[] = () => [0];
  /** How long each statement of a batch takes before it begins. */
  slowMs = 0;
  /**
   * Whether SubStatements and lists show statements with the comments that they begin with. Nobody knows of the service;
   * what works without them works in either case.
   */
  comments: "kept" | "left out" = "left out";
  /** What comes of a ClientToken with other SQL than before. Nobody knows of the service; the strict one is the default. */
  changedSql: "refused" | "former statement" = "refused";
  /** Of every transaction. Redshift's default is SNAPSHOT, that of databases made before 2024 may be SERIALIZABLE. */
  isolation: "snapshot" | "serializable" = "snapshot";
  #state: "running" | "resuming" | "paused" = "running";
  #awake = Promise.resolve();
  #wake: () => void = () => {};
  readonly #onPause: () => void;

  /** @param onPause ends what runs */
  constructor(onPause: () => void) {
    this.#onPause = onPause;
  }

  get isPaused(): boolean {
    return this.#state === "paused";
  }

  /** Settles once statements run: what is submitted before stays SUBMITTED. */
  get awake(): Promise<void> {
    return this.#awake;
  }

  /** As a cluster: what runs is ended, and nothing is taken any more. */
  pause(): void {
    this.#state = "paused";
    this.#onPause();
  }

  /** As a workgroup that has been idle: what comes is taken and waits until `wake`. */
  sleep(): void {
    this.#state = "resuming";
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awake = promise;
    this.#wake = resolve;
  }

  /** Out of a pause, or of sleep. */
  wake(): void {
    this.#state = "running";
    this.#wake();
  }
}
