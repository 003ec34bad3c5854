import type { Resources } from "./cloud-assembly.ts";
import { resourceKind } from "./physical-name.ts";
import type { Place } from "./physical-name.ts";
import { TemplateError } from "./template-error.ts";

/** CloudFormation's AWS::NoValue: the property is not there. */
const NO_VALUE = undefined;

type Evaluate = (this: void, argument: unknown, at: string, intrinsics: Intrinsics) => unknown;

/**
 * Evaluates a template's intrinsic functions, with names that are the same on every start.
 *
 * Ref  Fn::GetAtt  Fn::Join  Fn::Select  Fn::Split  Fn::Sub
 * source: CloudFormation intrinsic function reference, read 2026-11
 */
export class Intrinsics {
  readonly #resources: Resources;
  readonly #place: Place;
  readonly #pseudo: Readonly<Record<string, string | undefined>>;

  constructor(resources: Resources, place: Place) {
    const { account, region, stackName } = place;
    this.#resources = resources;
    this.#place = place;
    this.#pseudo = {
      "AWS::AccountId": account,
      "AWS::Region": region,
      "AWS::Partition": "aws",
      "AWS::URLSuffix": "amazonaws.com",
      "AWS::StackName": stackName,
      "AWS::StackId": `arn:aws:cloudformation:${region}:${account}:stack/${stackName}/00000000-0000-0000-0000-000000000000`,
      "AWS::NoValue": NO_VALUE,
    };
  }

  /**
   * @param at logical id and property path of `value`, named in the error
   * @throws TemplateError UNRESOLVABLE
   */
  resolve(value: unknown, at: string): unknown {
    if (Array.isArray(value)) {
      return value.map((item, i) => this.resolve(item, `${at}[${i}]`)).filter((item) => item !== NO_VALUE);
    }
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value);
    const [name, argument] = entries[0] ?? ["", undefined];
    if (entries.length === 1 && (name === "Ref" || name.startsWith("Fn::"))) {
      const evaluate = FUNCTIONS[name];
      if (!evaluate) throw new TemplateError("UNRESOLVABLE", `${name} has no local meaning`, at);
      return evaluate(argument, at, this);
    }
    const resolved = entries.map(([key, item]) => [key, this.resolve(item, `${at}.${key}`)] as const);
    return Object.fromEntries(resolved.filter(([, item]) => item !== NO_VALUE));
  }

  /** @throws TemplateError UNRESOLVABLE when the value is not a text */
  text(value: unknown, at: string): string {
    const resolved = this.resolve(value, at);
    if (typeof resolved === "string" || typeof resolved === "number") return `${resolved}`;
    throw new TemplateError("UNRESOLVABLE", `${JSON.stringify(value)} is not a text`, at);
  }

  list(value: unknown, at: string): readonly unknown[] {
    const resolved = this.resolve(value, at);
    if (Array.isArray(resolved)) return resolved;
    throw new TemplateError("UNRESOLVABLE", `${JSON.stringify(value)} is not a list`, at);
  }

  ref(id: string, at: string): string | undefined {
    if (id in this.#pseudo) return this.#pseudo[id];
    const { name, kind } = this.#named(id, at);
    return kind.ref?.(name, this.#place) ?? name;
  }

  attribute(logicalId: string, attribute: string, at: string): string {
    const { name, kind } = this.#named(logicalId, at);
    const value = kind.attributes[attribute]?.(name, this.#place);
    if (value !== undefined) return value;
    throw new TemplateError("UNRESOLVABLE", `${logicalId} has no local attribute ${attribute}`, at);
  }

  #named(
    logicalId: string,
    at: string,
  ): { name: string; kind: NonNullable<ReturnType<typeof resourceKind>> } {
    const resource = this.#resources[logicalId];
    const kind = resource && resourceKind(resource.Type);
    if (!kind) {
      const what = resource ? `${logicalId}, an ${resource.Type},` : `"${logicalId}"`;
      throw new TemplateError("UNRESOLVABLE", `${what} has no local name`, at);
    }
    const fixed = resource.Properties[kind.nameProperty];
    const name =
      fixed === undefined ? kind.name(logicalId) : this.text(fixed, `${logicalId}.${kind.nameProperty}`);
    return { name, kind };
  }
}

const FUNCTIONS: Readonly<Record<string, Evaluate>> = {
  Ref: (id, at, intrinsics) => intrinsics.ref(String(id), at),

  "Fn::GetAtt": (argument, at, intrinsics) => {
    const [logicalId, ...attribute] = Array.isArray(argument) ? argument : String(argument).split(".");
    return intrinsics.attribute(String(logicalId), attribute.join("."), at);
  },

  "Fn::Join": (argument, at, intrinsics) => {
    const [delimiter, items] = pair(argument, at);
    return intrinsics
      .list(items, at)
      .map((item) => intrinsics.text(item, at))
      .join(String(delimiter));
  },

  "Fn::Select": (argument, at, intrinsics) => {
    const [index, items] = pair(argument, at);
    const list = intrinsics.list(items, at);
    const item = list[Number(index)];
    if (item !== undefined) return item;
    throw new TemplateError("UNRESOLVABLE", `no item ${String(index)} in a list of ${list.length}`, at);
  },

  "Fn::Split": (argument, at, intrinsics) => {
    const [delimiter, text] = pair(argument, at);
    return intrinsics.text(text, at).split(String(delimiter));
  },

  "Fn::Sub": (argument, at, intrinsics) => {
    const [template, variables] = Array.isArray(argument) ? pair(argument, at) : [argument, {}];
    return String(template).replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal) return `\${${name}}`;
      const given = (variables as Record<string, unknown>)[name];
      if (given !== undefined) return intrinsics.text(given, at);
      const dot = name.indexOf(".");
      return dot < 0
        ? intrinsics.text({ Ref: name }, at)
        : intrinsics.attribute(name.slice(0, dot), name.slice(dot + 1), at);
    });
  },
};

function pair(argument: unknown, at: string): readonly [unknown, unknown] {
  if (Array.isArray(argument) && argument.length === 2) return argument as [unknown, unknown];
  throw new TemplateError("UNRESOLVABLE", `${JSON.stringify(argument)} is not a pair`, at);
}
