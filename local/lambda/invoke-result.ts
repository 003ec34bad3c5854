/** What came of one invocation. Payloads are JSON text, exactly as it crossed the Runtime API. */
export type InvokeResult =
  | { readonly ok: true; readonly requestId: string; readonly payload: string }
  | InvokeFailure;

export interface InvokeFailure {
  readonly ok: false;
  readonly requestId: string;
  /** `type` is Lambda's own name for it: "Runtime.ExitError", "Sandbox.Timedout", or the class thrown. */
  readonly error: { readonly type: string; readonly message: string };
  readonly timedOut: boolean;
  /** Refused before the function saw it: its reserved concurrency was taken. */
  readonly throttled: boolean;
}

export function failure(
  requestId: string,
  type: string,
  message: string,
  kind: { timedOut?: boolean; throttled?: boolean } = {},
): InvokeFailure {
  const { timedOut = false, throttled = false } = kind;
  return { ok: false, requestId, error: { type, message }, timedOut, throttled };
}
