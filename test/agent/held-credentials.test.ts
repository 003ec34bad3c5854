import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { awsSchema } from "../../agent/config/aws-config.ts";
import { HeldCredentials } from "../../agent/kinesis/held-credentials.ts";
import { kinesisClient } from "../../agent/kinesis/kinesis-client.ts";
import { PutRecords } from "../../agent/kinesis/put-records.ts";

/** @returns what writes the file of profiles, of which there is no other */
async function useProfiles(): Promise<(text: string) => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "weir-profiles-"));
  const file = join(directory, "config");
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) vi.stubEnv(name, undefined);
  vi.stubEnv("ONCE", join(directory, "once"));
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

/** Hangs when it is first run. */
const HANGING = `credential_process = if mkdir "$ONCE"; then exec sleep 10; fi; echo '{"Version":1,"AccessKeyId":"AKIA2","SecretAccessKey":"s"}'`;

test("a look for credentials that hangs is given up, and the next one is made", async () => {
  const writeProfile = await useProfiles();
  await writeProfile(HANGING);
  const held = new HeldCredentials(awsSchema.parse({ profile: "logs" }), 2_000);
  await expect(held.get()).rejects.toThrow("no credentials were found within 2000 ms");
  expect(await held.get()).toMatchObject({ accessKeyId: "AKIA2" });
});

test("a request that waits for credentials ends with its signal", async () => {
  const writeProfile = await useProfiles();
  await writeProfile(HANGING);
  const aws = awsSchema.parse({ profile: "logs" });
  const client = kinesisClient({ region: "us-east-1", endpoint: "http://127.0.0.1:1", aws });
  const requests = new PutRecords(client, "test", "json");
  const signal = AbortSignal.timeout(50);
  for (const _ of ["while it waits", "before"])
    await expect(requests.send([], signal)).rejects.toMatchObject({ name: "TimeoutError" });
});
