import { createHash } from "node:crypto";
import { MAIN_WAREHOUSE } from "./warehouses.ts";

/** source: IAM and STS character limits, read 2026-11 */
const ROLE_NAME_MAX = 64;
/** The longest there is now, us-isof-south-1, has 15. */
const REGION_MAX = 16;
const MARK = "-loader-";
const DIGEST = 8;

/**
 * A loader's role: one for each stack, warehouse and region, under a name that stays. Roles belong to an account, not to
 * a region, and the role's name is its user in the database, which owns what the loader makes there. No stack has the
 * underscore of another warehouse's in its name.
 *
 * @param region may be a placeholder that deployment fills in
 */
export function loaderRoleName(stack: string, region: string, warehouse = MAIN_WAREHOUSE): string {
  const mark = warehouse === MAIN_WAREHOUSE ? MARK : `-loader_${warehouse}-`;
  const max = ROLE_NAME_MAX - mark.length - REGION_MAX;
  if (stack.length <= max) return `${stack}${mark}${region}`;
  // Cut names keep apart by their digest.
  const digest = createHash("sha256").update(stack).digest("hex").slice(0, DIGEST);
  return `${stack.slice(0, max - DIGEST - 1)}-${digest}${mark}${region}`;
}

/**
 * The database user that a role signs in as. source: "Authorizing access to the Amazon Redshift Data API", Redshift
 * management guide, read 2026-11
 */
export const databaseUser = (roleName: string): string => `IAMR:${roleName}`;
