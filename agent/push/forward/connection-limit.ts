/** A connection, from before its handshakes to the end of what came by it. */
export interface Connection {
  /** Undefined at a Unix socket, where nobody can be told from anybody. */
  readonly peer: string | undefined;
  /** Since when nothing is begun by it that is not done with; undefined while something is. */
  readonly idleSinceMs: number | undefined;
  /** Ends it, as another needs its room. */
  giveWay(): void;
}

/** Between two messages everybody is idle for a moment. */
const IDLE_FOR_MS = 1_000;

export interface ConnectionLimits {
  readonly most: number;
  readonly mostOfPeer: number;
}

/**
 * Keeps connections to as many as are allowed in all, and of each peer. The one that has been idle the longest makes
 * room for a new one, so that who holds connections and says nothing keeps nobody out; and of a peer that has as
 * many as it may, its own makes room.
 */
export class ConnectionLimit {
  readonly #limits: ConnectionLimits;
  readonly #now: () => number;
  readonly #connections = new Set<Connection>();

  /** @param now of the clock that `idleSinceMs` is of */
  constructor(limits: ConnectionLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** @returns false when there is no room, and none can be made */
  admit(connection: Connection): boolean {
    const { most, mostOfPeer } = this.#limits;
    const { peer } = connection;
    const own = peer === undefined ? [] : Array.from(this.#connections).filter((one) => one.peer === peer);
    if (own.length >= mostOfPeer && !this.#makeRoom(own)) return false;
    if (this.#connections.size >= most && !this.#makeRoom(this.#connections)) return false;
    this.#connections.add(connection);
    return true;
  }

  remove(connection: Connection): void {
    this.#connections.delete(connection);
  }

  #makeRoom(among: Iterable<Connection>): boolean {
    let longest: Connection | undefined;
    let sinceMs = this.#now() - IDLE_FOR_MS;
    for (const one of among) {
      const { idleSinceMs = Infinity } = one;
      if (idleSinceMs > sinceMs) continue;
      longest = one;
      sinceMs = idleSinceMs;
    }
    if (longest === undefined) return false;
    this.#connections.delete(longest);
    longest.giveWay();
    return true;
  }
}
