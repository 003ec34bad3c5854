import * as z from "zod";

/** The part of JSON Schema that zod writes and a reference shows. */
export interface JsonSchema {
  type?: string;
  description?: string;
  unit?: string;
  default?: unknown;
  /** Stands for a default that is not the same on every host. */
  defaultIs?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
}

/** What may be written in a configuration, before defaults are filled in. */
export function jsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod;
      // A number that is also written as "2 min" has its default once it is read.
      if (def.type === "default" && "unit" in jsonSchema)
        jsonSchema.default ??= def.defaultValue as typeof jsonSchema.default;
      if ((jsonSchema as JsonSchema).defaultIs !== undefined) delete jsonSchema.default;
    },
  }) as JsonSchema;
}

export function alternatives({ anyOf, oneOf }: JsonSchema): JsonSchema[] | undefined {
  return anyOf ?? oneOf;
}
