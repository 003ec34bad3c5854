import * as z from "zod";
import type { CloudAssembly } from "./cloud-assembly.ts";
import { Intrinsics } from "./intrinsics.ts";
import type { Place } from "./physical-name.ts";
import { TemplateError } from "./template-error.ts";

/** One resource of the template, its properties resolved when they are read. */
export class DeployedResource {
  readonly logicalId: string;
  readonly #properties: Readonly<Record<string, unknown>>;
  readonly #intrinsics: Intrinsics;

  constructor(logicalId: string, properties: Readonly<Record<string, unknown>>, intrinsics: Intrinsics) {
    this.logicalId = logicalId;
    this.#properties = properties;
    this.#intrinsics = intrinsics;
  }

  get name(): string {
    return this.#intrinsics.text({ Ref: this.logicalId }, this.logicalId);
  }

  get arn(): string {
    return this.#intrinsics.attribute(this.logicalId, "Arn", this.logicalId);
  }

  /**
   * The properties that the schema names, resolved; others may hold what has no local meaning.
   *
   * @throws TemplateError UNEXPECTED naming the property that is not as the schema says
   */
  read<S extends z.ZodObject>(schema: S): z.output<S> {
    const resolved = this.#intrinsics.resolve(pick(this.#properties, schema), this.logicalId);
    const result = schema.safeParse(resolved);
    if (result.success) return result.data;
    const { path, message } = result.error.issues[0]!;
    throw new TemplateError("UNEXPECTED", message, `${this.logicalId}.${z.core.toDotPath(path)}`);
  }
}

/** The resources of one stack. */
export class DeployedResources {
  readonly #assembly: CloudAssembly;
  readonly #intrinsics: Intrinsics;

  constructor(assembly: CloudAssembly, place: Omit<Place, "stackName">) {
    this.#assembly = assembly;
    this.#intrinsics = new Intrinsics(assembly.resources, { ...place, stackName: assembly.stackName });
  }

  all(type: string): readonly DeployedResource[] {
    return Object.entries(this.#assembly.resources)
      .filter(([, resource]) => resource.Type === type)
      .map(([logicalId, { Properties }]) => new DeployedResource(logicalId, Properties, this.#intrinsics));
  }

  /** @throws TemplateError UNEXPECTED when there is more than one */
  optional(type: string): DeployedResource | undefined {
    const found = this.all(type);
    if (found.length > 1)
      throw new TemplateError("UNEXPECTED", `${found.length} resources of type ${type}, not one`);
    return found[0];
  }

  /** @throws TemplateError UNEXPECTED when there is none, or more than one */
  one(type: string): DeployedResource {
    const found = this.optional(type);
    if (!found) throw new TemplateError("UNEXPECTED", `no resource of type ${type}`);
    return found;
  }

  /** The resource with this logical id, name or ARN. @throws TemplateError UNEXPECTED */
  called(type: string, id: string): DeployedResource {
    const found = this.all(type).find(({ logicalId, name, arn }) => [logicalId, name, arn].includes(id));
    if (!found) throw new TemplateError("UNEXPECTED", `no ${type} is called ${id}`);
    return found;
  }

  /** Absolute path of the asset with this S3 key. @throws TemplateError UNEXPECTED */
  assetPath(s3Key: string, logicalId: string): string {
    const path = this.#assembly.assetPaths.get(s3Key);
    if (path === undefined) throw new TemplateError("UNEXPECTED", `no asset has the key ${s3Key}`, logicalId);
    return path;
  }
}

/** Only what the schema names, at every depth. */
function pick(value: unknown, schema: z.core.$ZodType): unknown {
  if (!(schema instanceof z.ZodObject) || typeof value !== "object" || value === null) return value;
  const named = Object.entries(schema.shape).filter(([key]) => key in value);
  return Object.fromEntries(
    named.map(([key, inner]) => [key, pick(value[key as keyof typeof value], inner)]),
  );
}
