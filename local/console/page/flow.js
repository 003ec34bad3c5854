/**
 * How fast lines of each type pass each stretch of the river, from counts that only grow.
 *
 * Batches and loads arrive in bursts; a moving average over some seconds makes a current of them.
 */

/** Weight of the newest second is 1 - e^(-1/SMOOTH_SECONDS). */
const SMOOTH_SECONDS = 6;

/** Below this many lines a second nothing flows. */
const STILL = 0.05;

/** Bytes of a line, until the router has counted some. */
const GUESSED_LINE_BYTES = 250;

/** The stretches, in order: host to stream, stream to router, router to lake, to rejected, lake to warehouse. */
export const STRETCHES = ["sent", "routed", "filed", "rejected", "loaded"];

/** Lines so far past each stretch, by type. */
export function passed(snapshot) {
  const counts = {};
  for (const [type, flow] of Object.entries(snapshot.types)) {
    counts[type] = {
      sent: 0,
      routed: flow.lines,
      filed: flow.rows,
      rejected: flow.rejected,
      loaded: flow.loaded ?? 0,
    };
  }
  for (const { type, deliveredBytes } of snapshot.agent.files) {
    const flow = snapshot.types[type];
    const lineBytes = flow && flow.lines > 0 ? flow.bytes / flow.lines : GUESSED_LINE_BYTES;
    counts[type] ??= { sent: 0, routed: 0, filed: 0, rejected: 0, loaded: 0 };
    counts[type].sent += deliveredBytes / lineBytes;
  }
  for (const [type, lines] of Object.entries(snapshot.agent.sentLines ?? {})) {
    if (counts[type]) counts[type].sent = lines;
  }
  return counts;
}

/** Lines per second at each stretch, by type, smoothed. */
export class Flow {
  #last;
  #rates = {};

  /** @returns rates after this snapshot */
  next(snapshot) {
    const counts = passed(snapshot);
    const seconds = this.#last ? (snapshot.atMs - this.#last.atMs) / 1_000 : 0;
    if (seconds > 0) {
      const weight = 1 - Math.exp(-seconds / SMOOTH_SECONDS);
      for (const [type, now] of Object.entries(counts)) {
        const before = this.#last.counts[type];
        const rates = (this.#rates[type] ??= Object.fromEntries(STRETCHES.map((stretch) => [stretch, 0])));
        for (const stretch of STRETCHES) {
          const rate = Math.max(0, now[stretch] - (before?.[stretch] ?? 0)) / seconds;
          const smoothed = rates[stretch] + weight * (rate - rates[stretch]);
          rates[stretch] = smoothed < STILL ? 0 : smoothed;
        }
      }
    }
    this.#last = { atMs: snapshot.atMs, counts };
    return this.#rates;
  }
}

/** Bytes on the host that Kinesis has not acknowledged, by type. */
export function behind(snapshot) {
  const bytes = {};
  for (const { type, sizeBytes, deliveredBytes } of snapshot.agent.files) {
    bytes[type] = (bytes[type] ?? 0) + Math.max(0, sizeBytes - deliveredBytes);
  }
  return bytes;
}
