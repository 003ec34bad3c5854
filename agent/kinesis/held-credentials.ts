import type { AwsConfig } from "../config/aws-config.ts";
import type { CredentialProvider, Credentials } from "./credentials.ts";
import { orAborted } from "./or-aborted.ts";

/** New ones are asked for this long before the old expire, as the SDK does. */
const REFRESH_BEFORE_MS = 300_000;
/** Least time from one attempt to the next, while the old ones serve. */
const LOOK_AGAIN_MS = 2_000;
/** A credential_process, say, may never end. */
const LOOK_LIMIT_MS = 60_000;

/** What AWS says of credentials that were good once, or of a new key that was read with the old one's secret. */
const REFUSED = new Set([
  "ExpiredTokenException",
  "ExpiredToken",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
]);

/**
 * Credentials for one request after the other. The SDK holds those without a known end for ever, and has
 * none while new ones cannot be had; these are looked for anew when AWS refuses them, and serve to their
 * end.
 */
export class HeldCredentials {
  readonly #aws: AwsConfig;
  readonly #limitMs: number;
  #provider: CredentialProvider | undefined;
  #held: Credentials | undefined;
  #looking: Promise<Credentials> | undefined;
  #lookedAtMs = -Infinity;

  /** @param limitMs after which a look for credentials is given up, and the next one is made */
  constructor(aws: AwsConfig, limitMs: number = LOOK_LIMIT_MS) {
    this.#aws = aws;
    this.#limitMs = limitMs;
  }

  async get(caller?: Record<string, unknown>): Promise<Credentials> {
    const leftMs =
      this.#held?.expiration === undefined ? Infinity : this.#held.expiration.getTime() - Date.now();
    if (this.#held === undefined || leftMs <= 0) return this.#find(caller);
    // Nobody waits for new ones while the old are good.
    const isDue = leftMs < REFRESH_BEFORE_MS && Date.now() >= this.#lookedAtMs + LOOK_AGAIN_MS;
    if (isDue) this.#find(caller).catch(() => {});
    return this.#held;
  }

  /** A request has failed. */
  failed(error: unknown): void {
    if (!REFUSED.has((error as Error).name)) return;
    this.#held = undefined;
    this.#provider = undefined;
  }

  #find(caller: Record<string, unknown> | undefined): Promise<Credentials> {
    this.#looking ??= this.#look(caller).finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  /** Loads what finds them with the first request: by then the agent follows files and takes events. */
  async #look(caller: Record<string, unknown> | undefined): Promise<Credentials> {
    const { credentialProvider } = await import("./credentials.ts");
    this.#provider ??= credentialProvider(this.#aws);
    const limit = AbortSignal.timeout(this.#limitMs);
    try {
      return (this.#held = await orAborted(this.#provider(caller), limit));
    } catch (error) {
      if (!limit.aborted) throw error;
      // The SDK would go on to wait for the same.
      this.#provider = undefined;
      throw new Error(`no credentials were found within ${this.#limitMs} ms`, { cause: error });
    } finally {
      this.#lookedAtMs = Date.now();
    }
  }
}
