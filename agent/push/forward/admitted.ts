import type { Socket } from "node:net";
import type { Connection } from "./connection-limit.ts";
import type { Session } from "./session.ts";

/** A connection that there was room for. */
export class Admitted implements Connection {
  readonly socket: Socket;
  readonly peer: string | undefined;
  /** Whom it is told as. */
  readonly name: string;
  /** Once its handshake of TLS is done, if it has one. */
  session: Session | undefined;
  readonly #sinceMs = performance.now();
  readonly #onGiveWay: () => void;

  constructor(socket: Socket, nobody: string, onGiveWay: () => void) {
    this.socket = socket;
    this.peer = socket.remoteAddress;
    this.name = this.peer ?? nobody;
    this.#onGiveWay = onGiveWay;
  }

  get idleSinceMs(): number | undefined {
    return this.session ? this.session.idleSinceMs : this.#sinceMs;
  }

  giveWay(): void {
    this.#onGiveWay();
    if (this.session) this.session.stop();
    this.socket.destroy();
  }
}

/** Names a connection that is open by its peer's address and port. */
export function endpointOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
