import type { Identity } from "./lake.ts";

/** A set of (source, offset, CRC-32), in about 50 bytes a member. */
export class IdentitySet {
  /** CRC-32 of the first line at each offset. */
  readonly #sources = new Map<string, Map<number, number | undefined>>();
  /** Lines of other bytes at a place that is known: there are few, if any. */
  readonly #others = new Map<string, Identity>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns false when it was there already */
  add(identity: Identity): boolean {
    if (this.has(identity)) return false;
    const { src, off, crc } = identity;
    let offsets = this.#sources.get(src);
    if (offsets === undefined) this.#sources.set(src, (offsets = new Map()));
    if (offsets.has(off)) this.#others.set(nameOf(identity), identity);
    else offsets.set(off, crc);
    this.#size++;
    return true;
  }

  has(identity: Identity): boolean {
    const { src, off, crc } = identity;
    const offsets = this.#sources.get(src);
    if (!offsets?.has(off)) return false;
    const known = offsets.get(off);
    return known === undefined || crc === undefined || known === crc || this.#others.has(nameOf(identity));
  }

  *[Symbol.iterator](): Generator<Identity> {
    for (const [src, offsets] of this.#sources) for (const [off, crc] of offsets) yield { src, off, crc };
    yield* this.#others.values();
  }
}

const nameOf = ({ src, off, crc }: Identity): string => `${src} ${off} ${crc}`;
