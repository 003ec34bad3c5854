import { actionsOf, allows, type Call, type PolicyDocument } from "./policy.ts";
import type { DeployedStack } from "./stack.ts";

/** Calls of AWS's own to the key, in the caller's name. source: KMS Developer Guide, "How AWS services use KMS" */
const KEY_USE: Record<string, { readonly action: string; readonly service: string }> = {
  "kinesis:PutRecords": { action: "kms:GenerateDataKey", service: "kinesis" },
  "kinesis:GetRecords": { action: "kms:Decrypt", service: "kinesis" },
  "s3:PutObject": { action: "kms:GenerateDataKey", service: "s3" },
  "s3:GetObject": { action: "kms:Decrypt", service: "s3" },
  "secretsmanager:GetSecretValue": { action: "kms:Decrypt", service: "secretsmanager" },
};

export interface Privileges {
  /** Calls by role that its policies do not allow. */
  readonly refused: readonly string[];
  /** `<role> <action>` that are allowed and that nobody made use of. */
  readonly unused: readonly string[];
}

/**
 * Compares what the stack's roles did with what they may do.
 *
 * @param standIns who else has a role's policies, such as `user/agent`
 */
export async function privileges(
  stack: DeployedStack,
  calls: readonly Call[],
  standIns: Readonly<Record<string, string>> = {},
): Promise<Privileges> {
  const policies = await stack.policies();
  const byPrincipal = new Map(
    [...policies.keys()].map((role) => [`${standIns[role] ?? `role/${stack.get(role)}`}/`, role]),
  );
  const refused: string[] = [];
  const used = new Set<string>();
  for (const call of calls) {
    const principal = call.principal.replace(/^.*:(assumed-)?/, "").concat("/");
    if (!call.principal.includes(`:${stack.account.id}:`)) continue;
    const role = [...byPrincipal].find(([name]) => principal.startsWith(name))?.[1];
    if (role === undefined) continue;
    for (const question of [call, ...keyUse(call, stack)]) {
      used.add(`${role} ${question.action}`);
      if (!question.allowed || !allows(policies.get(role)!, question)) {
        refused.push(`${role}: ${question.action} on ${question.resource}`);
      }
    }
  }
  return { refused: [...new Set(refused)], unused: allowed(policies).filter((right) => !used.has(right)) };
}

function allowed(policies: ReadonlyMap<string, readonly PolicyDocument[]>): string[] {
  return [...policies].flatMap(([role, documents]) =>
    [...new Set(actionsOf(documents))].map((action) => `${role} ${action}`),
  );
}

function keyUse(call: Call, stack: DeployedStack): Call[] {
  const use = KEY_USE[call.action];
  if (use === undefined) return [];
  const { id, environment } = stack.account;
  const region = environment["AWS_REGION"];
  const viaService = `${use.service}.${region}.amazonaws.com`;
  return [
    {
      ...call,
      action: use.action,
      resource: `arn:aws:kms:${region}:${id}:key/${stack.get("Key")}`,
      context: {
        ...call.context,
        "kms:ViaService": viaService,
        "kms:EncryptionContext:SecretARN": call.resource,
      },
    },
  ];
}
