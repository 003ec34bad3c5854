import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { ForwardError } from "./forward-error.ts";
import { MsgpackReader } from "./msgpack.ts";
import { pack } from "./pack.ts";

export interface Credentials {
  readonly sharedKey: string;
  /** By name; where there are none, the shared key is enough. */
  readonly passwords: ReadonlyMap<string, string>;
  /** Name that the server gives itself in its digest. */
  readonly hostname: string;
}

const SALT_BYTES = 16;

/**
 * server: [HELO, { nonce, auth, keepalive }]
 * client: [PING, hostname, salt, sha512(salt hostname nonce sharedKey), user, sha512(auth user password)]
 * server: [PONG, isAccepted, reason, hostname, sha512(salt hostname nonce sharedKey)]
 *
 * Digests are in lower-case hexadecimal; `auth` is empty where there are no users.
 */
export class Handshake {
  readonly #credentials: Credentials;
  readonly #nonce = randomBytes(SALT_BYTES);
  readonly #authSalt: Buffer;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
    this.#authSalt = credentials.passwords.size > 0 ? randomBytes(SALT_BYTES) : Buffer.alloc(0);
  }

  get hello(): Buffer {
    return pack(["HELO", { nonce: this.#nonce, auth: this.#authSalt, keepalive: true }]);
  }

  /** @returns the PONG, and why the client is refused, where it is @throws ForwardError MALFORMED */
  answer(ping: Buffer): { readonly pong: Buffer; readonly refusal: string | undefined } {
    const reader = new MsgpackReader(ping);
    if (
      reader.peek().kind !== "array" ||
      reader.enter("array") !== 6 ||
      reader.bytes().toString() !== "PING"
    ) {
      throw new ForwardError("MALFORMED", "a message before the handshake");
    }
    const [clientHost, salt, keyDigest, user, passwordDigest] = Array.from({ length: 5 }, () =>
      reader.bytes(),
    );
    const { sharedKey, hostname } = this.#credentials;
    const digest = (host: Buffer | string) => sha512(salt!, host, this.#nonce, sharedKey);
    let refusal: string | undefined;
    if (!isEqual(digest(clientHost!), keyDigest!)) refusal = "shared key mismatch";
    else if (!this.#knows(user!, passwordDigest!)) refusal = "username/password mismatch";
    const pong = refusal === undefined ? [true, "", hostname, digest(hostname)] : [false, refusal, "", ""];
    return { pong: pack(["PONG", ...pong]), refusal };
  }

  #knows(user: Buffer, passwordDigest: Buffer): boolean {
    const { passwords } = this.#credentials;
    if (passwords.size === 0) return true;
    const password = passwords.get(user.toString());
    // A user that is not there takes as long as a wrong password.
    const digest = sha512(this.#authSalt, user, password ?? randomBytes(SALT_BYTES));
    return isEqual(digest, passwordDigest) && password !== undefined;
  }
}

function sha512(...parts: readonly (Buffer | string)[]): string {
  const hash = createHash("sha512");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

function isEqual(expected: string, given: Buffer): boolean {
  const bytes = Buffer.from(expected);
  return given.length === bytes.length && timingSafeEqual(given, bytes);
}
