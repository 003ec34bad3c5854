import { createHash } from "node:crypto";

/** source: IAM and STS character limits, read 2026-11 */
const ROLE_NAME_MAX = 64;
/** The longest there is now, us-isof-south-1, has 15. */
const REGION_MAX = 16;
const MARK = "-loader-";
const STACK_MAX = ROLE_NAME_MAX - MARK.length - REGION_MAX;
const DIGEST = 8;

/**
 * The loader's role: one for each stack and region, under a name that stays. Roles belong to an account, not to a
 * region, and the role's name is its user in the database, which owns what the loader makes there.
 *
 * @param region may be a placeholder that deployment fills in
 */
export function loaderRoleName(stack: string, region: string): string {
  if (stack.length <= STACK_MAX) return `${stack}${MARK}${region}`;
  // Cut names keep apart by their digest.
  const digest = createHash("sha256").update(stack).digest("hex").slice(0, DIGEST);
  return `${stack.slice(0, STACK_MAX - DIGEST - 1)}-${digest}${MARK}${region}`;
}

/**
 * The database user that a role signs in as. source: "Authorizing access to the Amazon Redshift Data API", Redshift
 * management guide, read 2026-11
 */
export const databaseUser = (roleName: string): string => `IAMR:${roleName}`;
