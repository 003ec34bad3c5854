import type * as z from "zod";
// Names rather than `z.locales` and `z.core`, whose use as values bundles every language with the handlers.
import { en } from "zod/locales";
import { $ZodObject, $ZodUnion } from "zod/v4/core";
import { didYouMean } from "./closest.ts";

export const MISSING = "is missing";

type RawIssue = z.core.$ZodRawIssue;

const { localeError } = en();

/**
 * What is said where a configuration does not fit its schema: zod's own words, and what was meant where that is near.
 * Several unknown keys of one object are a line each.
 */
export function issueMessage(issue: RawIssue): string {
  const { input } = issue;
  if (issue.code === "unrecognized_keys")
    return issue.keys
      .map((key) => unknownKey(key, keysOf(issue.inst), holdersOf(key, issue.inst)))
      .join("\n");
  if (issue.code === "invalid_type" && input === undefined) return MISSING;
  if (issue.code === "invalid_value")
    return input === undefined
      ? `${MISSING}: ${listed(issue.values)}`
      : own(issue) + meant(input, issue.values);
  if (issue.code !== "invalid_union" || typeof issue.discriminator !== "string") return own(issue);
  const options = optionsOf(issue);
  const value = (input as Record<string, unknown> | undefined)?.[issue.discriminator];
  if (value === undefined) return `${MISSING}: ${listed(options)}`;
  return `${JSON.stringify(value)} is unknown${meant(value, options) || `: ${listed(options)}`}`;
}

function own(issue: RawIssue): string {
  const message = localeError(issue);
  return typeof message === "string" ? message : (message?.message ?? "Invalid input");
}

const listed = (values: readonly unknown[]): string =>
  `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`;

/** The texts that a value may be. */
export function optionsOf(issue: object): string[] {
  const { values, options } = issue as { values?: readonly unknown[]; options?: readonly unknown[] };
  return (values ?? options ?? []).filter((value) => typeof value === "string");
}

function meant(value: unknown, values: readonly unknown[]): string {
  return typeof value === "string" ? didYouMean(value, optionsOf({ values })) : "";
}

/** Keys of an object, as far as they are known. */
export function keysOf(schema: unknown): string[] {
  return schema instanceof $ZodObject ? Object.keys(schema._zod.def.shape) : [];
}

/** Settings of an object whose own settings have such a key. */
function holdersOf(key: string, schema: unknown): string[] {
  if (!(schema instanceof $ZodObject)) return [];
  const members = Object.entries(schema._zod.def.shape as Readonly<Record<string, unknown>>);
  return members.flatMap(([name, member]) =>
    objectsIn(member).some((object) => keysOf(object).includes(key)) ? name : [],
  );
}

/** The objects that a setting may be, whatever its default. */
function objectsIn(schema: unknown): unknown[] {
  if (schema instanceof $ZodUnion) return schema._zod.def.options.flatMap(objectsIn);
  const { def } = (schema as z.core.$ZodType)._zod;
  return "innerType" in def ? objectsIn(def.innerType) : [schema];
}

export function unknownKey(key: string, keys: readonly string[], holders: readonly string[] = []): string {
  const said = `Unrecognized key: "${key}"`;
  if (holders.length > 0) return `${said}: it is a setting of ${holders.join(" and of ")}`;
  const near = didYouMean(key, keys);
  return near !== "" || keys.length === 0 ? said + near : `${said}: there is ${keys.join(", ")}`;
}
