import * as z from "zod";
import { databaseNameProblem } from "./redshift-names.ts";
import { ipv4Range, subnetAddresses } from "./subnet-size.ts";

/**
 * Where the service takes a base capacity over 512 RPU. The guide's pages on capacity and on considerations name four
 * regions each of these, and one that the other does not. source: both, read 2026-11
 */
const LARGE_CAPACITY_REGIONS = "us-east-1 us-east-2 us-west-2 eu-west-1 eu-west-2 eu-central-1".split(" ");
/** Where it takes 4 RPU. source: the guide's page on capacity, and the announcement of 2026-05-29, read 2026-11 */
const SMALLEST_CAPACITY_REGIONS = (
  "us-east-1 us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1 ca-central-1 sa-east-1 eu-west-1 eu-west-2 " +
  "eu-north-1 ap-east-1 ap-south-1 ap-southeast-1 ap-southeast-2 ap-northeast-1 ap-northeast-2"
).split(" ");
/** Zones that enhanced VPC routing wants. source: Serverless considerations guide, read 2026-11 */
const ROUTED_ZONES = 3;

const identifier = z.string().regex(/^[a-z_][a-z0-9_$]{0,62}$/i, "a Redshift identifier");
const arn = z.string().startsWith("arn:");

/** Capacities the service takes. source: "Compute capacity for Amazon Redshift Serverless", read 2026-11 */
const rpu = z
  .int()
  .min(4)
  .max(1_024)
  .refine(
    (value) => value === 4 || value % (value > 512 ? 32 : 8) === 0,
    "4, or a multiple of 8, or over 512 of 32",
  );

const newDatabase = z.string().superRefine((name, context) => {
  const message = databaseNameProblem(name);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});

const zoneId = z.string().regex(/^[a-z]{3,5}\d-az\d$/, "a zone's id, such as use1-az2");
const unique = [
  (items: readonly string[]) => new Set(items).size === items.length,
  "one of them twice",
] as const;

/** EC2's ids: a prefix and 8 or 17 hexadecimal digits. */
const resourceId = (prefix: string): z.ZodString =>
  z
    .string()
    .regex(new RegExp(`^${prefix}-(?:[0-9a-f]{8}|[0-9a-f]{17})$`), `an id that begins with ${prefix}-`);

const network = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("new"),
    zones: z
      .union([
        z.int().min(2).max(3),
        z
          .array(zoneId)
          .min(2)
          .max(4)
          .refine(...unique),
      ])
      .default(2)
      .meta({
        description:
          "how many zones, the first ones that the account has; or their ids, where Redshift is not in each of these. " +
          `Enhanced VPC routing wants ${ROUTED_ZONES}`,
      }),
    cidr: ipv4Range(16, 26).optional().meta({
      description:
        "addresses of the VPC, a quarter for each subnet; a /22 unless more are needed. Fixed with the first deployment",
    }),
  }),
  z.strictObject({
    kind: z.literal("existing"),
    vpcId: resourceId("vpc"),
    subnetIds: z
      .array(resourceId("subnet"))
      .min(2)
      .refine(...unique)
      .meta({ description: `each in a zone of its own; ${ROUTED_ZONES} for enhanced VPC routing` }),
  }),
]);

const ingress = z
  .strictObject({
    cidrs: z.array(ipv4Range(8, 32)).default([]).meta({ description: "address ranges" }),
    securityGroupIds: z.array(resourceId("sg")).default([]).meta({ description: "security groups" }),
  })
  .meta({
    description: "who may connect to the warehouse's port, for BI tools; the loader does not need it",
  });

const copyRoleArn = arn.meta({
  description:
    "role of the warehouse that COPY reads the lake with; give it the policy of the output CopyPolicyArn",
});

/** The guard of the deployment refuses to leave a warehouse unless the new one says which it is. */
const replaces = {
  replaces: z.string().optional().meta({
    description:
      "the warehouse that may be left behind for this one, by the name that the refused deployment told",
  }),
};

const loadedKinds = [
  z.strictObject({
    kind: z.literal("new-serverless"),
    database: newDatabase.default("weir"),
    namespace: z
      .string()
      .regex(/^[a-z0-9-]{3,64}$/, "a namespace's name")
      .optional()
      .meta({
        description:
          "a namespace that exists, such as one that an earlier stack left, gets the workgroup; without it, a new one",
      }),
    baseCapacityRpu: rpu.default(8).meta({
      unit: "RPU",
      description: "4 is for tables of up to 100 columns, and not to be had in every region",
    }),
    maxCapacityRpu: rpu.default(32).meta({ unit: "RPU" }),
    enhancedVpcRouting: z.boolean().default(false).meta({
      description:
        "COPY reaches S3 through the VPC and its endpoint, which a VPC of yours must have, not the service's network",
    }),
    network: network.prefault({ kind: "new" }),
    ingress: ingress.prefault({}),
    ...replaces,
  }),
  z.strictObject({
    kind: z.literal("existing-serverless"),
    workgroup: z.string().min(3).max(64).meta({ description: "name of the workgroup" }),
    workgroupArn: arn,
    database: identifier,
    copyRoleArn,
    baseCapacityRpu: rpu.optional().meta({
      unit: "RPU",
      description: "what the workgroup has, for the estimate of what loading costs; without it there is none",
    }),
    ...replaces,
  }),
  z.strictObject({
    kind: z.literal("provisioned"),
    cluster: z
      .string()
      .regex(/^[a-z](?:-?[a-z0-9]){0,62}$/, "a cluster's identifier")
      .meta({ description: "identifier of the cluster" }),
    database: identifier,
    dbUser: identifier.optional().meta({
      description: "database user to sign in as; without it, the user that belongs to the loader's role",
    }),
    copyRoleArn,
    ...replaces,
  }),
] as const;

export const warehouseSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("none"), ...replaces }),
  ...loadedKinds,
]);

/** One that there is. */
export const loadedWarehouseSchema = z.discriminatedUnion("kind", loadedKinds);

export type LoadedWarehouseConfig = z.output<typeof loadedWarehouseSchema>;
export type WarehouseConfig = z.output<typeof warehouseSchema>;
export type NewServerlessConfig = Extract<WarehouseConfig, { kind: "new-serverless" }>;

/** A field at fault, and why. */
export interface WarehouseProblem {
  readonly path: readonly string[];
  readonly message: string;
}

/** What Redshift would refuse of a new warehouse when it is made, said before anything is. */
export function* warehouseProblems(
  warehouse: WarehouseConfig,
  region: string | undefined,
): Generator<WarehouseProblem> {
  if (warehouse.kind !== "new-serverless") return;
  const { baseCapacityRpu, maxCapacityRpu } = warehouse;
  if (maxCapacityRpu < baseCapacityRpu) {
    yield { path: ["maxCapacityRpu"], message: "below baseCapacityRpu" };
  }
  const regions = regionsOf(baseCapacityRpu);
  if (region !== undefined && regions && !regions.includes(region)) {
    const message =
      `${baseCapacityRpu} RPU is known to be had in ${regions.join(", ")}, and not in ${region}; ` +
      `leave stack.region out to let Redshift decide`;
    yield { path: ["baseCapacityRpu"], message };
  }
  yield* networkProblems(warehouse);
}

/** @returns where a capacity is to be had, or undefined when it is everywhere */
function regionsOf(rpu: number): readonly string[] | undefined {
  if (rpu === 4) return SMALLEST_CAPACITY_REGIONS;
  return rpu > 512 ? LARGE_CAPACITY_REGIONS : undefined;
}

function* networkProblems(warehouse: NewServerlessConfig): Generator<WarehouseProblem> {
  const { network, enhancedVpcRouting, maxCapacityRpu } = warehouse;
  const field = network.kind === "new" ? "zones" : "subnetIds";
  const subnets = network.kind === "new" ? zoneCount(network.zones) : network.subnetIds.length;
  if (enhancedVpcRouting && subnets < ROUTED_ZONES) {
    const message = `${subnets}, and enhanced VPC routing wants ${ROUTED_ZONES}, each in a zone of its own`;
    yield { path: ["network", field], message };
  }
  if (network.kind === "existing") return;
  const cidr = networkCidr(warehouse);
  const { free, needed } = subnetAddresses(cidr, maxCapacityRpu, enhancedVpcRouting);
  if (free >= needed) return;
  const message = `a subnet, a quarter of ${cidr}, has ${free} free addresses, and ${maxCapacityRpu} RPU need ${needed}`;
  yield { path: ["network", "cidr"], message };
}

export function zoneCount(zones: number | readonly string[]): number {
  return typeof zones === "number" ? zones : zones.length;
}

/** A range that others use seldom, as large as the capacity may ever need. */
export function networkCidr({ network, enhancedVpcRouting, maxCapacityRpu }: NewServerlessConfig): string {
  if (network.kind === "new" && network.cidr !== undefined) return network.cidr;
  const usual = "10.83.0.0/22";
  const { free, needed } = subnetAddresses(usual, maxCapacityRpu, enhancedVpcRouting);
  return free >= needed ? usual : "10.83.0.0/21";
}
