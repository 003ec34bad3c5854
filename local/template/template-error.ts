/** Why the laptop cloud cannot be set up from the CDK app. */
export type TemplateErrorCode =
  | "SYNTH_FAILED" //     the CDK app did not synthesize
  | "NOT_SYNTHESIZED" //  the folder holds no cloud assembly of one stack
  | "UNRESOLVABLE" //     an intrinsic function, or a resource, that has no local meaning
  | "UNEXPECTED"; //      a resource that is missing, there twice, or not as the laptop cloud knows it

export class TemplateError extends Error {
  override name = "TemplateError";
  readonly code: TemplateErrorCode;
  /** Logical id and property path, such as `RouterMapping3FF4243C.EventSourceArn`, where there is one. */
  readonly at: string | undefined;

  constructor(code: TemplateErrorCode, message: string, at?: string, options?: ErrorOptions) {
    super(at === undefined ? message : `${at}: ${message}`, options);
    this.code = code;
    this.at = at;
  }
}
