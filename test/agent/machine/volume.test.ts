import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { adoptState } from "../../../agent/process/adopt-state.ts";
import { type MachineState, NO_MACHINE } from "../../../agent/machine/machine-state.ts";
import { volumeOf } from "../../../agent/machine/volume.ts";
import { type FilePosition, NO_STATE } from "../../../agent/tail/files/tail-state.ts";
import { TailHarness } from "../tail-harness.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "weir-volume-"));
});
afterEach(() => rm(root, { recursive: true }));

/** What sysfs tells of the disk that this directory is on. */
async function disk(serial: string, isPartition: boolean): Promise<void> {
  const namespace = join(root, "sys/devices/pci0/nvme/nvme1/nvme1n1");
  const partition = join(namespace, "nvme1n1p1");
  await mkdir(partition, { recursive: true });
  await symlink("..", join(namespace, "device"));
  await writeFile(join(root, "sys/devices/pci0/nvme/nvme1/serial"), serial);
  await mkdir(join(root, "sys/dev/block"), { recursive: true });
  const { dev } = await stat(root);
  const numbers = `${Math.floor(dev / 256) % 4096}:${(dev % 256) + Math.floor(dev / 2 ** 20) * 256}`;
  await symlink(isPartition ? partition : namespace, join(root, "sys/dev/block", numbers));
}

test.each([
  ["a disk", "vol0a1b2c3d4e5f60718\n", false, "vol-0a1b2c3d4e5f60718"],
  ["a partition", "vol0a1b2c3d4e5f60718    \n", true, "vol-0a1b2c3d4e5f60718"],
  ["an instance store", "AWS1234567890ABCDEF\n", false, undefined],
  ["a disk that says nothing", "\n", false, undefined],
])("%s says which volume it is", async (_what, serial, isPartition, volume) => {
  await disk(serial, isPartition);
  const { dev } = await stat(root);
  expect(await volumeOf(root, root)).toEqual(volume && { id: volume, dev: `${dev}` });
});

test("where the system tells nothing of a disk there is no volume", async () => {
  expect(await volumeOf(root, root)).toBeUndefined();
  expect(await volumeOf(join(root, "missing"), root)).toBeUndefined();
});

test("on a volume that was made from a snapshot the spool goes on under a new id, and a volume that cannot be told says nothing", () => {
  let machine: MachineState = NO_MACHINE;
  const start = (id: string | undefined) => {
    const volume = id === undefined ? undefined : { id, dev: "1" };
    const adoption = adoptState({
      state: { ...NO_STATE, spool: { sourceId: "source", offset: 10 } },
      machine,
      isRestored: false,
      volume,
      found: [{ kind: "ec2-instance", value: "i-1" }],
      host: "host",
      now: new Date(0),
      log: pino({ level: "silent" }),
    });
    ({ machine } = adoption);
    return adoption.renewal?.why;
  };
  const starts = [undefined, "vol-1", "vol-1", undefined, "vol-1", "vol-2", "vol-2", undefined, "vol-1"];
  expect(starts.map(start)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    "restored",
    undefined,
    undefined,
    "restored",
  ]);
});

test("files on such a volume go on under new ids, too, and files elsewhere keep theirs", async () => {
  await using tail = await TailHarness.make();
  await writeFile(tail.path("a.log"), "one\n");
  await tail.poll();
  tail.acknowledge();
  const here = tail.state;
  const [{ record, resume }] = here.files as [FilePosition];
  const elsewhere = {
    ...record,
    source: { ...record.source, id: "elsewhere" },
    file: { ...record.file, dev: "0" },
  };
  const options = {
    state: { ...here, files: [...here.files, { record: elsewhere, resume }], spool: undefined },
    machine: { known: { machine: "m" }, volume: { id: "vol-1", dev: record.file.dev } },
    isRestored: false,
    volume: { id: "vol-2", dev: "7" },
    found: [{ kind: "machine", value: "m" }] as const,
    host: "host",
    now: new Date(0),
    log: pino({ level: "silent" }),
  };
  const { state, renewal } = adoptState(options);
  expect(renewal).toMatchObject({ why: "restored", sources: 1 });
  const [rewound, other] = state.files;
  expect(rewound!.record.source.id).not.toBe(record.source.id);
  expect(rewound!.resume).toMatchObject({
    offset: 4,
    gap: { reason: "earlier-identity", source: record.source.id },
  });
  expect(other).toEqual({ record: elsewhere, resume });
  // Copied to the other volume file by file, the state leaves them where they were.
  expect(adoptState({ ...options, isRestored: true }).state.files).toEqual(options.state.files);
});
