import { systemReason } from "../agent-error.ts";

const NO_CREDENTIALS =
  "give the host a role with the policy of the stack, or write profile under [aws], or set AWS_ACCESS_KEY_ID and " +
  "AWS_SECRET_ACCESS_KEY in /etc/weir/environment";
const EXPIRED = "the credentials have expired: whatever makes them has to make new ones";
const UNKNOWN =
  "AWS does not know these credentials: look at their key, their region's account, and this host's clock";

const ADVICE: Readonly<Record<string, string>> = {
  CredentialsProviderError: NO_CREDENTIALS,
  TokenProviderError: NO_CREDENTIALS,
  ExpiredTokenException: EXPIRED,
  ExpiredToken: EXPIRED,
  RequestExpired: EXPIRED,
  UnrecognizedClientException: UNKNOWN,
  InvalidClientTokenId: UNKNOWN,
  InvalidSignatureException: UNKNOWN,
  SignatureDoesNotMatch: UNKNOWN,
};

const DENIED = new Set(["AccessDeniedException", "AccessDenied"]);

/** What AWS or the SDK says, and what to do about it. @param action that was asked for, such as PutRecords */
export function awsReason(error: unknown, action?: string): string {
  const { name } = error as Error;
  const reason = systemReason(error);
  if (DENIED.has(name)) return `${reason}: the policy must allow ${action ? `kinesis:${action}` : "it"}`;
  const advice = Object.hasOwn(ADVICE, name) ? ADVICE[name] : undefined;
  return advice === undefined ? reason : `${reason}: ${advice}`;
}
