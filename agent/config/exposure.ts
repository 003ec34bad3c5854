import { BlockList, isIP } from "node:net";
import type { Logger } from "pino";

/** What of `[forward]` decides who may send to it. */
export interface Exposure {
  readonly bind: string;
  readonly port?: number | undefined;
  readonly shared_key?: string | undefined;
  readonly shared_key_file?: string | undefined;
  readonly tls?: { readonly client_ca_file?: string | undefined } | undefined;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/** Whether only this host reaches an address. Of a name nobody knows what it will be. */
function isLoopback(bind: string): boolean {
  const address = bind.replace(/^\[(.*)\]$/, "$1");
  const family = isIP(address);
  if (family === 0) return /^localhost\.?$/i.test(address);
  return LOOPBACK.check(address, family === 4 ? "ipv4" : "ipv6");
}

function isReached({ bind, port }: Exposure): boolean {
  return port !== undefined && !isLoopback(bind);
}

function hasKey({ shared_key, shared_key_file }: Exposure): boolean {
  return shared_key !== undefined || shared_key_file !== undefined;
}

/** Whether other hosts reach it, and neither a key nor TLS is asked of them. */
export function isExposed(forward: Exposure): boolean {
  return isReached(forward) && !hasKey(forward) && forward.tls === undefined;
}

/** Tells at each start what stands open to others, or in the clear. */
export function warnOfExposure(forward: Exposure | undefined, log: Logger): void {
  if (forward === undefined || !isReached(forward)) return;
  const { bind, port, tls } = forward;
  const knowsSender = hasKey(forward) || tls?.client_ca_file !== undefined;
  if (!knowsSender) {
    log.warn(
      { bind, port },
      "[forward]: whoever reaches this address may send: set shared_key_file or tls.client_ca_file",
    );
  }
}
