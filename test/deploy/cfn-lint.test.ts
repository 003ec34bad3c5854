import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../interop/program.ts";
import { EXISTING_SERVERLESS, Synthesized } from "../lib/synth.ts";
import { hasPython, pythonPrograms } from "./python.ts";
import { sampleConfig } from "./sample-config.ts";

const REGIONS =
  "us-east-1 us-east-2 us-west-1 us-west-2 eu-west-1 eu-central-1 ap-northeast-1 ap-southeast-2 sa-east-1".split(
    " ",
  );

const WAREHOUSES = [
  { kind: "none" },
  { kind: "new-serverless" },
  { kind: "new-serverless", enhancedVpcRouting: true, network: { kind: "new", zones: 3 } },
  EXISTING_SERVERLESS,
  {
    kind: "provisioned",
    cluster: "finance",
    database: "reports",
    copyRoleArn: "arn:aws:iam::111122223333:role/finance-copy",
  },
] as const;

/** CDK writes what a resource depends on beside the reference that says so already. */
const IGNORED = ["--ignore-checks", "W3005"];

test.skipIf(!hasPython)(
  "cfn-lint finds nothing in any region, whatever the warehouse (needs python3)",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "weir-cfn-lint-"));
    try {
      const files = WAREHOUSES.map((_, i) => join(folder, `${i}.json`));
      for (const [i, warehouse] of WAREHOUSES.entries()) {
        const { template } = new Synthesized(sampleConfig({ warehouse }));
        await writeFile(files[i]!, JSON.stringify(template.toJSON()));
      }
      const program = join(await pythonPrograms(), "cfn-lint");
      // It prints what it finds, and ends with another code than 0 if that is more than a remark.
      expect(await run(program, [...IGNORED, "--regions", ...REGIONS, "--", ...files])).toBe("");
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
