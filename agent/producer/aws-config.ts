import * as z from "zod";

/** The `[aws]` section. */
export const awsSchema = z.strictObject({
  profile: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        "of ~/.aws/config, or of the file that AWS_CONFIG_FILE names; a role is assumed by its role_arn, " +
        "external_id and credential_source",
      defaultIs: "AWS_PROFILE, or none",
    }),
  use_fips: z
    .boolean()
    .default(false)
    .meta({ description: "FIPS 140 endpoints, in the regions that have them" }),
  use_dual_stack: z.boolean().default(false).meta({ description: "endpoints with IPv6 addresses" }),
});
