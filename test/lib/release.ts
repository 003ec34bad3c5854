import { readFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";

const FILE = new URL("../vectors/release-0.1.0/stack.json.zst", import.meta.url);

export type WarehouseKind = "none" | "new-serverless" | "existing-serverless";

/** A release as it was deployed with the sample configuration of its time. */
export interface Release {
  /** CloudFormation's templates by the warehouse's kind. */
  readonly templates: Readonly<Record<WarehouseKind, object>>;
  /** Files of the cloud assembly of the kind `new-serverless`, without its template and the code of its functions. */
  readonly assembly: Readonly<Record<string, string>>;
}

export function release010(): Release {
  return JSON.parse(zstdDecompressSync(readFileSync(FILE)).toString("utf8")) as Release;
}
