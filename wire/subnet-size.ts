import * as z from "zod";

/** Addresses of each subnet that AWS keeps. source: "Subnet CIDR blocks", Amazon VPC, read 2026-11 */
const RESERVED = 5;
/** A new VPC's range is cut into this many, whether all are used or not. */
const SUBNETS = 4;

/** Free addresses that a workgroup wants in each subnet, whatever its capacity. */
const UNROUTED = 3;
/**
 * The same with enhanced VPC routing, by capacity in RPU.
 *
 * source: "Considerations when using Amazon Redshift Serverless", free IP address requirements, read 2026-11
 */
const ROUTED: readonly (readonly [rpu: number, addresses: number])[] = [
  [8, 9],
  [32, 13],
  [64, 21],
  [128, 37],
  [256, 69],
  [512, 133],
  [1_024, 261],
];

/** @returns the addresses free in each subnet of a new VPC of this range, and those that the warehouse needs */
export function subnetAddresses(
  cidr: string,
  capacityRpu: number,
  enhancedVpcRouting: boolean,
): { readonly free: number; readonly needed: number } {
  const free = 2 ** (32 - prefixLength(cidr)) / SUBNETS - RESERVED;
  if (!enhancedVpcRouting) return { free, needed: UNROUTED };
  return { free, needed: ROUTED.find(([rpu]) => capacityRpu <= rpu)![1] };
}

/** Prefix length of the subnets that a new VPC of this range is cut into. */
export function subnetPrefixLength(cidr: string): number {
  return prefixLength(cidr) + Math.log2(SUBNETS);
}

/** A range of IPv4 addresses with a prefix between these lengths, such as 10.0.0.0/22. */
export function ipv4Range(shortest: number, longest: number): z.ZodType<string, string> {
  return z
    .cidrv4("a range of IPv4 addresses, such as 10.0.0.0/22")
    .refine(
      (cidr) => prefixLength(cidr) >= shortest && prefixLength(cidr) <= longest,
      `a prefix of /${shortest} to /${longest}`,
    );
}

function prefixLength(cidr: string): number {
  return Number(cidr.split("/")[1]);
}
