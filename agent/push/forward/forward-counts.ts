import { ForwardError, type ForwardErrorCode } from "./forward-error.ts";

/** Why a connection was turned away, or ended by us. */
export const REFUSALS = [
  "limit", //       there are too many connections
  "idle", //        nothing was begun by it, and another needed its room
  "tls", //         the handshake of TLS failed
  "auth", //        wrong shared key, user or password
  "decode", //      bytes that are not of the protocol
  "too_large", //   a message over its limit, as it is sent or unpacked
  "too_many", //    more events or frames than its bytes account for
  "slow", //        a message that does not come to its end
  "crowded", //     all connections together hold too much
  "broken", //      the network, within a message, or the agent on its way out
  "probe", //       nothing was said, or HTTP: a load balancer that looks whether somebody is there
] as const;
export type Refusal = (typeof REFUSALS)[number];

const OF_CODE: Readonly<Record<ForwardErrorCode, Refusal>> = {
  TOO_LARGE: "too_large",
  TOO_MANY: "too_many",
  MALFORMED: "decode",
  TRUNCATED: "decode",
  COMPRESSION: "decode",
  CROWDED: "crowded",
  SLOW: "slow",
  ENDED: "broken",
  PROBE: "probe",
  REFUSED: "auth",
};

/** Whom a connection was ended of, and why. */
export interface LastRefusal {
  readonly atMs: number;
  readonly peer: string;
  readonly refusal: Refusal;
  readonly reason: string;
}

/** What came in by the forward protocol since the agent began. */
export class ForwardCounts {
  connections = 0;
  /** Open at this moment. */
  open = 0;
  messages = 0;
  events = 0;
  /** As they came, compressed or not. */
  bytes = 0;
  acks = 0;
  /** Events that were none, and are stored as they came. */
  malformed = 0;
  /** The last one that was no probe. */
  lastRefusal: LastRefusal | undefined;
  readonly refusedBy: Record<Refusal, number>;

  constructor() {
    this.refusedBy = Object.fromEntries(REFUSALS.map((refusal) => [refusal, 0])) as Record<Refusal, number>;
  }

  /** But for probes, which are no refusals. */
  get refused(): number {
    return REFUSALS.reduce((sum, refusal) => sum + (refusal === "probe" ? 0 : this.refusedBy[refusal]), 0);
  }

  /** Takes note of why a connection was turned away or ended. */
  refuse(refusal: Refusal, peer: string, reason: string): void {
    this.refusedBy[refusal]++;
    if (refusal !== "probe") this.lastRefusal = { atMs: Date.now(), peer, refusal, reason };
  }
}

/** What a connection that ended with an error counts as. */
export function refusalOf(error: unknown): Refusal {
  return error instanceof ForwardError ? OF_CODE[error.code] : "broken";
}
