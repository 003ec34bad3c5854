import { ForwardError, type ForwardErrorCode } from "./forward-error.ts";

/** Why a connection was turned away, or ended by us. */
export const REFUSALS = [
  "limit", //       there are too many connections
  "tls", //         the handshake of TLS failed
  "auth", //        wrong shared key, user or password
  "decode", //      bytes that are not of the protocol
  "too_large", //   a message over its limit
  "slow", //        a message that does not come to its end
  "crowded", //     all connections together hold too much
  "broken", //      the network, or the agent on its way out
] as const;
export type Refusal = (typeof REFUSALS)[number];

const OF_CODE: Readonly<Record<ForwardErrorCode, Refusal>> = {
  TOO_LARGE: "too_large",
  MALFORMED: "decode",
  TRUNCATED: "decode",
  COMPRESSION: "decode",
  CROWDED: "crowded",
  SLOW: "slow",
  REFUSED: "auth",
};

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
  readonly refusedBy: Record<Refusal, number>;

  constructor() {
    this.refusedBy = Object.fromEntries(REFUSALS.map((refusal) => [refusal, 0])) as Record<Refusal, number>;
  }

  get refused(): number {
    return Object.values(this.refusedBy).reduce((sum, count) => sum + count, 0);
  }

  /** Takes note of what a connection ended with. */
  ended(error: unknown): void {
    this.refusedBy[error instanceof ForwardError ? OF_CODE[error.code] : "broken"]++;
  }
}
