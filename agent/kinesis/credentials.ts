import { fromNodeProviderChain, fromTemporaryCredentials } from "@aws-sdk/credential-providers";
import type { AwsConfig } from "../config/aws-config.ts";
import { endpointKind } from "./endpoint-kind.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** @param caller what the SDK says of the client that asks */
export type CredentialProvider = (caller?: Record<string, unknown>) => Promise<Credentials>;

/**
 * The SDK's usual places, and the role that is to be assumed with what is found there. Instance metadata
 * is asked with a token, or not at all: a proxy that can be talked into a GET gives no keys away.
 */
export function credentialProvider(aws: AwsConfig): CredentialProvider {
  const { profile, role_arn, external_id, role_session_name, role_duration_s } = aws;
  const found = fromNodeProviderChain({
    ec2MetadataV1Disabled: true,
    // What rotates the keys of a file changes the file.
    ignoreCache: true,
    ...(profile === undefined ? {} : { profile }),
  });
  if (role_arn === undefined) return found;
  return fromTemporaryCredentials({
    masterCredentials: found,
    params: {
      RoleArn: role_arn,
      RoleSessionName: role_session_name,
      DurationSeconds: role_duration_s,
      ...(external_id === undefined ? {} : { ExternalId: external_id }),
    },
    clientConfig: endpointKind(aws),
  });
}
