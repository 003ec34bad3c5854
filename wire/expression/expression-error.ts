/** Why a text is no expression, or not one that may stand where it stands. */
export class ExpressionError extends Error {
  override name = "ExpressionError";
  /** Where, in characters from 0. */
  readonly at: number;

  constructor(message: string, at: number) {
    super(`${message}, at character ${at + 1}`);
    this.at = at;
  }
}
