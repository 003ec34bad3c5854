import * as z from "zod";

/** What CloudWatch Logs takes. source: PutRetentionPolicy reference, read 2026-11 */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

/** The longest name of all that is made from the stack's, a role's, has 64 characters; its own part takes up to 24. */
const NAME_MAX = 40;

/** Not an alias, whose key may be another one tomorrow. */
export const kmsKeyArn = z
  .string()
  .regex(/^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/(?:mrk-)?[0-9a-f-]{32,36}$/, "the ARN of a KMS key");

const namePart = z
  .string()
  .regex(/^[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/, "letters, digits and hyphens, beginning with a letter");

/** How the stack is deployed: its name, where to, and what is the same for all of its resources. */
export const stackSchema = z
  .strictObject({
    name: namePart.default("Weir").meta({ description: "of the CloudFormation stack" }),
    environment: namePart.optional().meta({
      description:
        "appended to the name with a hyphen: stacks of other names stand side by side in one account and region",
    }),
    account: z
      .string()
      .regex(/^\d{12}$/, "an account's twelve digits")
      .optional()
      .meta({ description: "the only account to deploy to; without it, that of the credentials" }),
    region: z
      .string()
      .regex(/^[a-z]{2,4}(-[a-z]+)+-\d$/, "a region's code, such as eu-west-1")
      .optional()
      .meta({ description: "the only region to deploy to; without it, that of the credentials" }),
    terminationProtection: z
      .boolean()
      .default(false)
      .meta({
        description:
          "CloudFormation refuses to delete the stack. Turn it on once the first deployment stands: a stack whose first " +
          "deployment failed has to be deleted before the next try",
      }),
    keyArn: kmsKeyArn.optional().meta({
      description:
        "a KMS key of yours, used instead of a new one; docs/security.md says what its policy needs",
    }),
    logRetentionDays: z
      .literal(RETENTION_DAYS)
      .default(30)
      .meta({ unit: "d", description: "of every log group of the stack" }),
    permissionsBoundary: z.string().min(1).optional().meta({
      description: "name or ARN of the managed policy that every role of the stack has as its boundary",
    }),
    bootstrapQualifier: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,10}$/, "up to ten letters, digits, underscores and hyphens")
      .optional()
      .meta({ description: "of `cdk bootstrap --qualifier`, where it was given one" }),
    tags: z
      .record(
        z
          .string()
          .regex(/^(?!aws:).{1,128}$/i, "a key of up to 128 characters that does not begin with aws:"),
        z.string().max(256),
      )
      .default({})
      .meta({ description: "on every resource but the namespace and its workgroup" }),
  })
  .refine((stack) => stackName(stack).length <= NAME_MAX, {
    path: ["name"],
    message: `with the environment it is longer than ${NAME_MAX} characters`,
  });

export type StackConfig = z.output<typeof stackSchema>;

/** The stack's name in CloudFormation, and the beginning of all names that are not left to it. */
export function stackName(stack: {
  readonly name: string;
  readonly environment?: string | undefined;
}): string {
  const { name, environment } = stack;
  return environment === undefined ? name : `${name}-${environment}`;
}
