import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { ROOT } from "./bundle.ts";
import type { NodeBinary } from "./node-for.ts";

const CYCLONEDX = join(ROOT, "node_modules/@cyclonedx/cyclonedx-esbuild/bin/cyclonedx-esbuild-cli.js");

interface Bill {
  readonly components: object[];
  readonly dependencies: { readonly ref: string; readonly dependsOn?: string[] }[];
  readonly metadata: { readonly component: { readonly "bom-ref": string } };
}

/**
 * Writes an executable's CycloneDX bill of materials: the packages of which the bundle has code, and the Node
 * that it is put into, by its hash. The same bytes for the same parts.
 */
export function writeBillOfMaterials(
  bundle: Metafile,
  node: NodeBinary,
  platform: string,
  outfile: string,
): void {
  writeFileSync(outfile, JSON.stringify(bundle));
  const args = ["--output-reproducible", "--validate", "--build-working-dir", ROOT, outfile];
  const json = execFileSync(process.execPath, [CYCLONEDX, ...args], { encoding: "utf8", stdio: "pipe" });
  const bill = JSON.parse(json) as Bill;
  const ref = `node@${node.version}`;
  bill.components.push({
    type: "platform",
    "bom-ref": ref,
    name: "node",
    version: node.version,
    description: `Node.js for ${platform}`,
    hashes: [{ alg: "SHA-256", content: node.sha256 }],
    cpe: `cpe:2.3:a:nodejs:node.js:${node.version}:*:*:*:*:*:*:*`,
    externalReferences: [{ type: "website", url: "https://nodejs.org" }],
  });
  const agent = bill.dependencies.find((one) => one.ref === bill.metadata.component["bom-ref"]);
  agent?.dependsOn?.push(ref);
  bill.dependencies.push({ ref });
  writeFileSync(outfile, `${JSON.stringify(bill, null, 2)}\n`);
}
