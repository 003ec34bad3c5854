/** A pattern that cannot be matched in a time that grows no faster than the line. */
export class PatternError extends Error {
  override name = "PatternError";
  /** What stands in the way and where, without its text. */
  readonly where: string;

  /** @param construct what stands in the way @param raw its text @param at its index in the pattern */
  constructor(construct: string, raw: string, at: number, options?: ErrorOptions) {
    const shown = raw.length > 40 ? `${raw.slice(0, 40)}...` : raw;
    super(`${construct} "${shown}" at character ${at + 1}, cannot be matched in linear time`, options);
    this.where = `${construct.replace(/,$/, "")} at character ${at + 1}, cannot be matched in linear time`;
  }
}
