import type { WeirConfig } from "../../../wire/config.ts";
import { type Target, typesOf } from "../target.ts";
import type { KnownTypes } from "./held-types.ts";

/** Every name that a type of the configuration has or had: a type that goes to S3 alone is known as well. */
export function knownTypes({ types, retired }: Pick<WeirConfig, "types" | "retired">): KnownTypes {
  return {
    names: new Set(types.flatMap(({ name, formerNames }) => [name, ...formerNames])),
    retired: new Set(retired.map(({ type }) => type)),
  };
}

/** As far as tables tell. */
export const typesOfTargets = (targets: readonly Target[]): KnownTypes => ({
  names: new Set(targets.flatMap(typesOf)),
  retired: new Set(),
});
