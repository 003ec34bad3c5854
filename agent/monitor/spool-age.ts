import { steadyNow } from "../steady-clock.ts";
import type { PushedVitals } from "../push/pushed-input.ts";

/** For how long the oldest event of the spool waits that is not delivered; 0 where there is none. */
export function oldestAgeSeconds(
  spool: Pick<PushedVitals["spool"], "oldestMs">,
  { delivery }: Pick<PushedVitals["reader"], "delivery">,
): number {
  const oldestMs = spool.oldestMs(delivery.resume.offset);
  return oldestMs === undefined ? 0 : Math.max(0, steadyNow() - oldestMs) / 1_000;
}

/** Bytes of events in the spool that are not delivered. What its files take is more, and stays for a while. */
export function waitingBytes(
  { end }: Pick<PushedVitals["spool"], "end">,
  { delivery }: Pick<PushedVitals["reader"], "delivery">,
): number {
  return Math.max(0, end - delivery.resume.offset);
}
