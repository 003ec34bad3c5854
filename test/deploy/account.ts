import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../interop/program.ts";
import type { Cloud } from "./cloud.ts";
import type { PolicyDocument } from "./policy.ts";

export interface StackResource {
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId: string;
  readonly ResourceType: string;
  readonly ResourceStatus: string;
}

interface Named {
  readonly PolicyName: string;
  readonly PolicyDocument: PolicyDocument;
}

/** What `get-account-authorization-details` tells of roles and of policies that stand by themselves. */
interface Details {
  readonly RoleDetailList: readonly {
    readonly RoleName: string;
    readonly RolePolicyList: readonly Named[];
  }[];
  readonly Policies: readonly {
    readonly Arn: string;
    readonly PolicyVersionList: readonly {
      readonly Document: PolicyDocument;
      readonly IsDefaultVersion: boolean;
    }[];
  }[];
}

/** One AWS account as its administrator sees it. */
export class Account {
  readonly cloud: Cloud;
  /** Twelve digits. */
  readonly id: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Where commands run: a checkout. */
  readonly cwd: string;

  constructor(cloud: Cloud, id: string, cwd: string) {
    this.cloud = cloud;
    this.id = id;
    this.cwd = cwd;
    this.environment = cloud.environment(id);
  }

  async aws<T = unknown>(...args: string[]): Promise<T> {
    const printed = await run(join(this.cloud.programs, "aws"), [...args, "--output", "json"], {
      environment: this.environment,
      cwd: this.cwd,
    });
    return (printed.trim() === "" ? undefined : JSON.parse(printed)) as T;
  }

  /** @returns what it prints, progress and all */
  async cdk(...args: string[]): Promise<string> {
    const command = `exec node_modules/.bin/cdk "$@" 2>&1`;
    return run("bash", ["-c", command, "cdk", ...args], { environment: this.environment, cwd: this.cwd });
  }

  async bootstrap(): Promise<void> {
    await this.cdk("bootstrap", `aws://${this.id}/${this.environment["AWS_REGION"]}`, "--app", "");
  }

  /** Writes a configuration into the checkout. @returns its name, for WEIR_CONFIG */
  async configure(name: string, config: unknown): Promise<string> {
    await writeFile(join(this.cwd, name), JSON.stringify(config));
    return name;
  }

  /** Gives the checkout's weir.config.ts other settings, as its reader does. */
  async edit(config: unknown): Promise<void> {
    await writeFile(join(this.cwd, "weir.config.ts"), `export default ${JSON.stringify(config)};\n`);
  }

  /** A role of the account's own, without any rights, for `trusted` to assume. */
  async role(name: string, trusted: object): Promise<void> {
    const statement = { Effect: "Allow", Principal: trusted, Action: "sts:AssumeRole" };
    const document = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
    await this.aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document", document);
  }

  async outputs(stack: string): Promise<Record<string, string>> {
    interface Answer {
      readonly Stacks: readonly {
        readonly Outputs: readonly { readonly OutputKey: string; readonly OutputValue: string }[];
      }[];
    }
    const answer = await this.aws<Answer>("cloudformation", "describe-stacks", "--stack-name", stack);
    return Object.fromEntries(
      answer.Stacks[0]!.Outputs.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]),
    );
  }

  async resources(stack: string): Promise<readonly StackResource[]> {
    const answer = await this.aws<{ StackResourceSummaries: StackResource[] }>(
      "cloudformation",
      "list-stack-resources",
      "--stack-name",
      stack,
    );
    return answer.StackResourceSummaries;
  }

  /** The policies that IAM holds for each role, by name, and for each managed policy, by ARN. */
  async policies(): Promise<Map<string, readonly PolicyDocument[]>> {
    const details = await this.aws<Details>("iam", "get-account-authorization-details");
    return new Map([
      ...details.RoleDetailList.map(
        ({ RoleName, RolePolicyList }) =>
          [RoleName, RolePolicyList.map(({ PolicyDocument }) => PolicyDocument)] as const,
      ),
      ...details.Policies.map(
        ({ Arn, PolicyVersionList }) =>
          [
            Arn,
            PolicyVersionList.filter(({ IsDefaultVersion }) => IsDefaultVersion).map(
              ({ Document }) => Document,
            ),
          ] as const,
      ),
    ]);
  }

  /** A user with these policies and no others. @returns the variables that make a program that user */
  async user(
    name: string,
    policies: { readonly arns?: readonly string[]; readonly inline?: readonly PolicyDocument[] },
  ): Promise<{ AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string }> {
    await this.aws("iam", "create-user", "--user-name", name).catch((error: Error) => {
      if (!error.message.includes("EntityAlreadyExists")) throw error;
    });
    for (const arn of policies.arns ?? []) {
      await this.aws("iam", "attach-user-policy", "--user-name", name, "--policy-arn", arn);
    }
    for (const [i, document] of (policies.inline ?? []).entries()) {
      const args = ["--policy-name", `inline-${i}`, "--policy-document", JSON.stringify(document)];
      await this.aws("iam", "put-user-policy", "--user-name", name, ...args);
    }
    const { AccessKey } = await this.aws<{ AccessKey: { AccessKeyId: string; SecretAccessKey: string } }>(
      "iam",
      "create-access-key",
      "--user-name",
      name,
    );
    return { AWS_ACCESS_KEY_ID: AccessKey.AccessKeyId, AWS_SECRET_ACCESS_KEY: AccessKey.SecretAccessKey };
  }

  /** Invokes a function, as the schedule and the end of a statement do. @returns its answer @throws if it fails */
  async invoke(functionName: string): Promise<string> {
    const file = join(this.cwd, "answer.json");
    const answer = await this.aws<{ FunctionError?: string }>(
      "lambda",
      "invoke",
      "--function-name",
      functionName,
      "--payload",
      "{}",
      file,
    );
    const text = await readFile(file, "utf8");
    if (answer.FunctionError !== undefined) throw new Error(`${functionName}: ${text}`);
    return text;
  }
}
