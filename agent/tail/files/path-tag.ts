import picomatch from "picomatch";

/** What the tag of a line may hold; other characters of a path become `_`. */
const FOREIGN = /[^A-Za-z0-9._-]/g;

/** A tag that may name parts of the path: `${1}` is what the first wildcard of the glob stands for. */
export class PathTag {
  readonly #template: string;
  readonly #globs: readonly RegExp[];

  constructor(template: string, globs: readonly string[]) {
    this.#template = template;
    this.#globs = globs.map((glob) => picomatch.makeRe(glob, { dot: true, capture: true }));
  }

  of(path: string): string {
    if (!this.#template.includes("${")) return this.#template;
    const groups = this.#globs.map((glob) => glob.exec(path)).find((match) => match !== null);
    return this.#template.replace(/\$\{(\d)\}/g, (_, n: string) =>
      (groups?.[Number(n)] ?? "").replace(/^\/|\/$/g, "").replace(FOREIGN, "_"),
    );
  }
}
