import * as z from "zod";
import { absolutePath } from "./absolute-path.ts";

/** The `[aws]` section. */
export const awsSchema = z
  .strictObject({
    profile: z
      .string()
      .min(1)
      .optional()
      .meta({
        description:
          "of ~/.aws/config, or of the file that AWS_CONFIG_FILE names; what it may say of roles and of where " +
          "credentials come from is heeded",
        defaultIs: "AWS_PROFILE, or none",
      }),
    role_arn: z
      .string()
      .startsWith("arn:")
      .optional()
      .meta({ description: "a role to assume with the credentials that are found otherwise" }),
    external_id: z
      .string()
      .regex(/^[\w+=,.@:/-]{2,1224}$/, "letters, digits and _+=,.@:/-, 2 to 1224 of them")
      .optional()
      .meta({ description: "that the role's trust policy asks for" }),
    role_session_name: z
      .string()
      .regex(/^[\w+=,.@-]{2,64}$/, "letters, digits and _+=,.@-, 2 to 64 of them")
      .default("weir-agent")
      .meta({ description: "under which CloudTrail names what is done in the role" }),
    role_duration_s: z.int().min(900).max(43_200).default(3_600).meta({
      unit: "s",
      description: "for which the role is assumed; it is assumed anew 5 minutes before that is over",
    }),
    proxy: z
      .url({ protocol: /^https?$/ })
      .optional()
      .meta({
        description: "of the way to AWS; hosts in NO_PROXY are reached without it",
        defaultIs: "HTTPS_PROXY, or none",
      }),
    ca_file: absolutePath.optional().meta({
      description:
        "PEM certificates of authorities to trust beside the usual ones, as that of a proxy that looks into TLS",
    }),
    use_fips: z
      .boolean()
      .default(false)
      .meta({ description: "FIPS 140 endpoints, in the regions that have them" }),
    use_dual_stack: z.boolean().default(false).meta({ description: "endpoints with IPv6 addresses" }),
  })
  .refine(({ role_arn, external_id }) => external_id === undefined || role_arn !== undefined, {
    path: ["external_id"],
    message: "without role_arn it means nothing",
  });

export type AwsConfig = z.output<typeof awsSchema>;
