import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import type { App, AppProps, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { weirApp } from "../../lib/weir-app.ts";
import { WeirStack } from "../../lib/weir-stack.ts";
import { parseConfig } from "../../wire/config.ts";
import type { WeirConfigInput } from "../../wire/config.ts";
import { runFolder } from "../run-folder.ts";

export const NEW_SERVERLESS = { kind: "new-serverless" } as const;

export const EXISTING_SERVERLESS = {
  kind: "existing-serverless",
  workgroup: "analytics",
  workgroupArn: "arn:aws:redshift-serverless:eu-west-1:111122223333:workgroup/5f1b88ea",
  database: "reports",
  copyRoleArn: "arn:aws:iam::111122223333:role/analytics-copy",
} as const;

export const PROVISIONED = {
  kind: "provisioned",
  cluster: "reporting",
  database: "reports",
  copyRoleArn: "arn:aws:iam::111122223333:role/reporting-copy",
} as const;

export const TYPES: WeirConfigInput["types"] = [
  { name: "access", parse: { format: "combined" }, columns: [{ name: "status", type: "smallint" }] },
];

/** The app without its handlers' bundles, which take most of the time. Its folder goes with the run. */
export function app(input: Partial<WeirConfigInput> = {}, props: AppProps = {}): App {
  const outdir = mkdtempSync(join(runFolder(), "synth-"));
  return weirApp(parseConfig({ types: TYPES, ...input }, "test"), {
    ...props,
    outdir,
    context: { "aws:cdk:bundling-stacks": [] },
  });
}

export function weirStack(app: App): Stack {
  return app.node.children.find((child) => child instanceof WeirStack)!;
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: readonly string[];
}

/** A synthesized template, its references as `<Lake>` and `<Workgroup.WorkgroupArn>`. */
export class Synthesized {
  readonly template: Template;

  constructor(input: Partial<WeirConfigInput> = {}) {
    // CloudFormation's own rules take three seconds and are another test's claim.
    const unchecked = app(input, { builtinCloudFormationValidation: false });
    this.template = Template.fromStack(weirStack(unchecked));
  }

  /** Resources of a type by logical id, without CDK's hashes. */
  all(type: string): Record<string, Resource> {
    const found = this.template.findResources(type) as Record<string, Resource>;
    return Object.fromEntries(Object.entries(found).map(([id, resource]) => [plain(id), resource]));
  }

  /** The resource with this logical id, its hash left out. */
  one(id: string): Resource {
    const all = (this.template.toJSON() as { Resources: Record<string, Resource> }).Resources;
    const found = Object.entries(all).filter(([logicalId]) => plain(logicalId) === id);
    if (found.length !== 1) throw new Error(`${found.length} resources called ${id}`);
    return found[0]![1];
  }

  /** Everything a role may do: "action on resource if condition", one line for each action and resource. */
  grants(roleId: string): string[] {
    return Object.values(this.all("AWS::IAM::Policy"))
      .filter(({ Properties }) => list(Properties["Roles"]).some((role) => show(role) === `<${roleId}>`))
      .flatMap(({ Properties }) => statements(Properties["PolicyDocument"]))
      .sort();
  }
}

export function statements(document: unknown): string[] {
  const { Statement } = document as { Statement: Record<string, unknown>[] };
  return Statement.flatMap((statement) =>
    list(statement["Action"]).flatMap((action) =>
      list(statement["Resource"]).map((resource) => {
        const allow = statement["Effect"] === "Allow" ? "" : "deny ";
        const who = statement["Principal"] === undefined ? "" : `${show(statement["Principal"])}: `;
        const condition = statement["Condition"] === undefined ? "" : ` if ${show(statement["Condition"])}`;
        return `${who}${allow}${show(action)} on ${show(resource)}${condition}`;
      }),
    ),
  ).sort();
}

/** A template's value with its references readable. */
export function show(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return value.map(show).join(" | ");
  const [[name, argument] = ["", undefined], ...others] = Object.entries(value);
  if (others.length === 0 && name === "Ref") return `<${plain(String(argument))}>`;
  if (others.length === 0 && name === "Fn::GetAtt") {
    const [id, attribute] = argument as [string, string];
    return attribute === "Arn" ? `<${plain(id)}>` : `<${plain(id)}.${attribute}>`;
  }
  if (others.length === 0 && name === "Fn::Join") {
    const [delimiter, parts] = argument as [string, unknown[]];
    return parts.map(show).join(delimiter);
  }
  if (others.length === 0 && name.startsWith("Fn::")) return `${name.slice(4)}(${show(argument)})`;
  return Object.entries(value)
    .map(([key, item]) => `${key}=${show(item)}`)
    .join(" ");
}

/** A logical id without the eight hexadecimal digits that CDK appends. */
function plain(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, "");
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}
