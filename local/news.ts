/** Whether anything has come since somebody last looked. It begins with something. */
export class News {
  #has = true;

  come(): void {
    this.#has = true;
  }

  /** @returns whether something has come; the next look finds only what comes after this one */
  take(): boolean {
    const had = this.#has;
    this.#has = false;
    return had;
  }
}
