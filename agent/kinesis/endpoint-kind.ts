import type { AwsConfig } from "../config/aws-config.ts";

/** Absent, and not false, so that AWS_USE_FIPS_ENDPOINT and its like still count. */
export function endpointKind({ use_fips, use_dual_stack }: AwsConfig): {
  useFipsEndpoint?: true;
  useDualstackEndpoint?: true;
} {
  return {
    ...(use_fips ? { useFipsEndpoint: true } : {}),
    ...(use_dual_stack ? { useDualstackEndpoint: true } : {}),
  };
}
