/** An error with a name of the API's, answered with its status. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}
