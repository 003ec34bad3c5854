import type { Heartbeat } from "../../wire/heartbeat.ts";
import type { Source } from "./source.ts";

/** Objects with the last heartbeats of a host: its files may be told in several. */
const LAST_OBJECTS = 4;

/** A host, as its heartbeats tell. */
export class Host {
  readonly name: string;
  sources = 0;
  /** Sources of which something came since heartbeats that may tell of it. */
  readonly touched = new Set<Source>();
  /** Keys of objects with its last heartbeats, and when Kinesis took the last of what is in them. */
  lastBeats: readonly { readonly key: string; readonly arrivedTo: string }[] = [];
  /** What was read of its heartbeats. */
  lastToldAt: Date | undefined;
  isStopping = false;

  constructor(name: string) {
    this.name = name;
  }

  beat(key: string, arrivedTo: string): void {
    this.lastBeats = [...this.lastBeats, { key, arrivedTo }]
      .toSorted((a, b) => (a.arrivedTo < b.arrivedTo ? -1 : 1))
      .slice(-LAST_OBJECTS);
  }

  tell({ stopping = false }: Heartbeat["agent"], arrivedAt: Date): void {
    if (this.lastToldAt !== undefined && arrivedAt < this.lastToldAt) return;
    this.lastToldAt = arrivedAt;
    this.isStopping = stopping;
  }
}
