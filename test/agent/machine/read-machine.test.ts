import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { RequestListener } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readMachine } from "../../../agent/machine/read-machine.ts";
import { LocalServer } from "../local-server.ts";

const DMI = "sys/devices/virtual/dmi/id";
const INSTANCE = "i-0af01c0123456789a";
const MACHINE_ID = "3d1219c7c4c5404aaa1f6d2a48adfda4";
const NO_METADATA = { AWS_EC2_METADATA_DISABLED: "true" };

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "weir-machine-"));
});
afterEach(() => rm(root, { recursive: true }));

/** A host with these files. */
async function host(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

async function kinds(setting?: string, environment: NodeJS.ProcessEnv = NO_METADATA): Promise<string[]> {
  const found = await readMachine(setting, { root, environment });
  return found.map(({ kind, value }) => (kind === "machine-id" ? kind : `${kind} ${value}`));
}

const nitro = {
  [`${DMI}/sys_vendor`]: "Amazon EC2\n",
  [`${DMI}/board_asset_tag`]: `${INSTANCE}\n`,
  "etc/machine-id": `${MACHINE_ID}\n`,
};

test("the setting comes first, then the instance, then the machine id", async () => {
  await host(nitro);
  expect(await kinds()).toEqual([`ec2-instance ${INSTANCE}`, "machine-id"]);
  expect(await kinds("node-1")).toEqual(["machine node-1", `ec2-instance ${INSTANCE}`, "machine-id"]);
});

test("the machine id leaves as a digest: the same for the same, and not to be turned back", async () => {
  await host({ "etc/machine-id": `${MACHINE_ID}\n` });
  const [first] = await readMachine(undefined, { root, environment: NO_METADATA });
  expect(await readMachine(undefined, { root, environment: NO_METADATA })).toEqual([first]);
  expect(first!.value).not.toContain(MACHINE_ID);
  await host({ "etc/machine-id": MACHINE_ID.replace("3", "4") });
  expect(await readMachine(undefined, { root, environment: NO_METADATA })).not.toEqual([first]);
});

test.each([
  [
    "a placeholder of the firmware",
    { [`${DMI}/sys_vendor`]: "Amazon EC2", [`${DMI}/board_asset_tag`]: "Not Specified" },
  ],
  ["zeros", { [`${DMI}/sys_vendor`]: "Amazon EC2", [`${DMI}/board_asset_tag`]: "i-00000000000000000" }],
  [
    "another vendor's asset tag",
    { [`${DMI}/sys_vendor`]: "Dell Inc.", [`${DMI}/board_asset_tag`]: INSTANCE },
  ],
  ["an empty asset tag", { [`${DMI}/sys_vendor`]: "Amazon EC2", [`${DMI}/board_asset_tag`]: "\n" }],
  ["an empty machine id", { "etc/machine-id": "" }],
  ["a machine id that is not made yet", { "etc/machine-id": "uninitialized\n" }],
  ["a machine id of zeros", { "etc/machine-id": `${"0".repeat(32)}\n` }],
  ["half a machine id", { "etc/machine-id": MACHINE_ID.slice(16) }],
  ["no file at all", {}],
])("%s tells nothing", async (_what, files) => {
  await host(files);
  expect(await kinds()).toEqual([]);
});

describe("in a container /etc/machine-id may be the image's, or the host's, and tells nothing", () => {
  test.each([
    ["Docker", { ".dockerenv": "" }],
    ["Podman", { "run/.containerenv": 'engine="podman-5.0"' }],
    ["systemd-nspawn", { "run/systemd/container": "systemd-nspawn" }],
    ["a cgroup of Kubernetes", { "proc/1/cgroup": "12:cpuset:/kubepods/besteffort/pod1/2\n" }],
    [
      "a layered root",
      { "proc/self/mountinfo": "22 1 0:21 / / rw,relatime - overlay overlay rw,lowerdir=/l\n" },
    ],
  ])("%s", async (_what, mark) => {
    await host({ ...nitro, ...mark });
    expect(await kinds()).toEqual([`ec2-instance ${INSTANCE}`]);
  });

  test("a variable of Kubernetes or of ECS", async () => {
    await host({ "etc/machine-id": MACHINE_ID });
    for (const name of ["KUBERNETES_SERVICE_HOST", "ECS_CONTAINER_METADATA_URI_V4", "container"]) {
      expect(await kinds(undefined, { ...NO_METADATA, [name]: "10.0.0.1" })).toEqual([]);
    }
  });

  test("but no layered directory elsewhere makes a host one", async () => {
    const mounts =
      "22 1 259:1 / / rw - ext4 /dev/root rw\n23 22 0:21 / /var/lib/docker/1 rw - overlay overlay rw\n";
    await host({
      "etc/machine-id": MACHINE_ID,
      "proc/self/mountinfo": mounts,
      "proc/1/cgroup": "0::/init.scope\n",
    });
    expect(await kinds()).toEqual(["machine-id"]);
  });
});

describe("instance metadata, where the firmware does not say it", () => {
  const metadata =
    (id: string, asked: string[] = []): RequestListener =>
    ({ method, url, headers }, response) => {
      asked.push(`${method} ${url}`);
      if (method === "PUT" && url === "/latest/api/token") response.end("token-of-this-hop");
      else if (headers["x-aws-ec2-metadata-token"] === "token-of-this-hop") response.end(id);
      else response.writeHead(401).end();
    };
  const at = ({ url }: LocalServer) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url });

  test("is asked with a token", async () => {
    await host({ [`${DMI}/sys_vendor`]: "Xen" });
    await using server = await LocalServer.start(metadata(INSTANCE));
    expect(await kinds(undefined, at(server))).toEqual([`ec2-instance ${INSTANCE}`]);
  });

  test("is not asked where it is turned off, or where a setting or the firmware has said enough", async () => {
    const asked: string[] = [];
    await using server = await LocalServer.start(metadata(INSTANCE, asked));
    expect(await kinds(undefined, { ...at(server), ...NO_METADATA })).toEqual([]);
    expect(await kinds("node-1", at(server))).toEqual(["machine node-1"]);
    await host(nitro);
    expect(await kinds(undefined, at(server))).toEqual([`ec2-instance ${INSTANCE}`, "machine-id"]);
    expect(asked).toEqual([]);
  });

  test.each<[string, RequestListener]>([
    ["an id that is none", metadata("i-00000001x")],
    ["a page", metadata("<html>")],
    ["more than an id", metadata("i".repeat(5_000))],
    ["a refusal", (_request, response) => response.writeHead(403).end("Forbidden")],
    ["nothing", (request) => request.socket.destroy()],
    ["a token in parts, without end", (_request, response) => void response.write("t")],
    ["no answer at all", () => {}],
  ])("tells nothing with %s, within little more than a second", async (_what, answer) => {
    await using server = await LocalServer.start(answer);
    const began = performance.now();
    expect(await kinds(undefined, at(server))).toEqual([]);
    // A second is what it may take; the rest is room for a machine that has much to do.
    expect(performance.now() - began).toBeLessThan(8_000);
  });

  test("tells nothing where its address is none", async () => {
    for (const url of ["http://127.0.0.1:9", "not a url", "https://127.0.0.1:9"]) {
      expect(await kinds(undefined, { AWS_EC2_METADATA_SERVICE_ENDPOINT: url })).toEqual([]);
    }
  });
});
