import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { awsSchema } from "../../agent/producer/aws-config.ts";
import { HeldCredentials } from "../../agent/producer/held-credentials.ts";

/** @returns what writes the file of profiles, of which there is no other */
async function useProfiles(): Promise<(text: string) => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "weir-profiles-"));
  const file = join(directory, "config");
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_CONFIG_FILE", file).stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await rm(directory, { recursive: true });
  });
  return (text) => writeFile(file, `[profile logs]\n${text}`);
}

test.each(["ExpiredTokenException", "InvalidSignatureException", "SignatureDoesNotMatch"])(
  "keys that AWS refuses with %s are looked for anew",
  async (name) => {
    const writeProfile = await useProfiles();
    const held = new HeldCredentials(awsSchema.parse({ profile: "logs" }));
    for (const secret of ["old", "new"]) {
      await writeProfile(`aws_access_key_id = AKIA1\naws_secret_access_key = ${secret}\n`);
      held.failed(Object.assign(new Error(), { name }));
      expect(await held.get()).toMatchObject({ secretAccessKey: secret });
    }
  },
);
