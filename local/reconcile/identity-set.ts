import type { Identity } from "./lake.ts";

/** A set of (source, offset), in about 40 bytes a member. */
export class IdentitySet {
  readonly #sources = new Map<string, Set<number>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns false when it was there already */
  add({ src, off }: Identity): boolean {
    let offsets = this.#sources.get(src);
    if (offsets === undefined) this.#sources.set(src, (offsets = new Set()));
    if (offsets.has(off)) return false;
    offsets.add(off);
    this.#size++;
    return true;
  }

  has({ src, off }: Identity): boolean {
    return this.#sources.get(src)?.has(off) ?? false;
  }

  *[Symbol.iterator](): Generator<Identity> {
    for (const [src, offsets] of this.#sources) for (const off of offsets) yield { src, off };
  }
}
