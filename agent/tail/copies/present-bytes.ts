import type { FollowedFile } from "../files/followed-file.ts";
import { verify } from "../files/verified-read.ts";

/**
 * What a followed file holds now. Same: what is known of it, and no more. Grown: that, and perhaps more. Gone: it
 * is neither where it was nor open. Other: nothing that is known for certain.
 */
export type Present = "same" | "grown" | "gone" | "other";

/** Compares files with what is known of them, each once for all that one search has found. */
export class PresentBytes {
  readonly #present = new WeakMap<FollowedFile, Promise<Present>>();
  readonly #now: () => number;
  readonly #onLearned: () => void;

  /** @param onLearned called when more was learned of a file, which is to be remembered */
  constructor(now: () => number, onLearned: () => void) {
    this.#now = now;
    this.#onLearned = onLearned;
  }

  of(file: FollowedFile): Promise<Present> {
    const known = this.#present.get(file);
    if (known !== undefined) return known;
    const present = this.#compare(file);
    this.#present.set(file, present);
    return present;
  }

  async #compare(file: FollowedFile): Promise<Present> {
    const { place, known, isOpen } = file;
    const here = await place.atPath();
    if (here === undefined && !isOpen) return "gone";
    if (here && known.isVerifiedAt(here.size, here.mtimeNs)) return "same";
    const found = await verify(file, this.#now());
    if (!isOpen && file.phase !== "rotated") await place.close();
    if (found === "learned") this.#onLearned();
    return found === "same" || found === "learned" ? "grown" : "other";
  }
}
