import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { TemplateError } from "./template-error.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Runs the CDK app in a process of its own, as `cdk synth` does. Takes two or three seconds, needs no
 * credentials and no network.
 *
 * @param configPath of `weir.config.ts` or its like
 * @param outDir folder to write, or `cdk.out` in the repository
 * @returns absolute path of the cloud assembly
 * @throws TemplateError SYNTH_FAILED with what the app said
 */
export async function synthesize(
  configPath: string,
  outDir: string = resolve(ROOT, "cdk.out"),
  signal?: AbortSignal,
): Promise<string> {
  const cdkOut = resolve(outDir);
  try {
    await promisify(execFile)(process.execPath, ["bin/cdk.mts"], {
      cwd: ROOT,
      // CloudFormation's rules change nothing in the template and take most of the time: they are for
      // `cdk synth` and the tests.
      env: {
        ...process.env,
        CDK_OUTDIR: cdkOut,
        WEIR_CONFIG: resolve(configPath),
        WEIR_STAND_INS: "true",
        CDK_VALIDATION: "false",
      },
      ...(signal && { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    const { stdout = "", stderr = "" } = cause as { stdout?: string; stderr?: string };
    const said = `${stdout}${stderr}`.trim() || (cause as Error).message;
    throw new TemplateError("SYNTH_FAILED", `the CDK app did not synthesize\n${said}`, undefined, { cause });
  }
  return cdkOut;
}
