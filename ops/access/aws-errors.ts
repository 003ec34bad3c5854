import { AccessError } from "./access-error.ts";

/** What AWS says of who may not, in one word or another. */
const DENIED = new Set(["AccessDenied", "AccessDeniedException", "KMSAccessDeniedException"]);
const SIGNED_OUT = new Set([
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidAccessKeyId",
  "InvalidClientTokenId",
  "SignatureDoesNotMatch",
  "TokenRefreshRequired",
  "UnrecognizedClientException",
]);

/** An error of the AWS SDK that says who is at the terminal, not what is wrong with the pipeline. */
export function explainAws(error: unknown): AccessError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  const options = { cause: error };
  if (DENIED.has(name)) {
    const hint = "The stack's output OperatorPolicyArn is a policy with all that weir's commands need.";
    return new AccessError("DENIED", message, hint, options);
  }
  if (SIGNED_OUT.has(name)) {
    const hint = "Sign in, such as with `aws sso login`, or set AWS_PROFILE.";
    return new AccessError("NO_CREDENTIALS", message, hint, options);
  }
  if (message === "Region is missing") {
    const hint = "Say --region, or set AWS_REGION.";
    return new AccessError("NO_CREDENTIALS", "no region is known", hint, options);
  }
  return undefined;
}
