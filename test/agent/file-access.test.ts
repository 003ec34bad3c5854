import { chown, link, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type AccessOptions, FileAccess } from "../../agent/tail/disk/file-access.ts";
import { statFile } from "../../agent/tail/disk/file-stat.ts";

const IS_ROOT = process.geteuid?.() === 0;
const SOMEBODY = 12_345;
const SOMEBODY_ELSE = 12_346;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "weir-access-"));
  await make("etc/shadow", "secret\n");
});
afterEach(() => rm(root, { recursive: true }));

function at(name: string): string {
  return join(root, name);
}

async function make(name: string, content = "line\n"): Promise<string> {
  await mkdir(dirname(at(name)), { recursive: true });
  await writeFile(at(name), content);
  return at(name);
}

/** @returns why a file at a path is left, for an entry that names `directory`; undefined when it is read */
async function refusalOf(
  name: string,
  directory: string,
  options: Partial<AccessOptions> = {},
  others: readonly string[] = [],
): Promise<string | undefined> {
  const all = { directories: [at(directory)], followLinks: false, owners: [], ...options };
  const check = await new FileAccess(all).look();
  const refusal = await check.refusalOf((await statFile(at(name)))!, () => [name, ...others].map(at));
  return refusal?.reason;
}

describe("a symbolic link", () => {
  test("is not followed out of the directories that an entry names", async () => {
    await make("log/app.log");
    await symlink(at("etc/shadow"), at("log/evil.log"));
    expect(await refusalOf("log/app.log", "log")).toBeUndefined();
    expect(await refusalOf("log/evil.log", "log")).toBe("link");
  });

  test("to a directory is none either, however deep", async () => {
    await mkdir(at("log/a"), { recursive: true });
    await symlink(at("etc"), at("log/a/b"));
    expect(await refusalOf("log/a/b/shadow", "log")).toBe("link");
  });

  test("to a directory of a name that only begins like a named one is none either", async () => {
    await make("log-private/a.log");
    await make("log/a.log");
    await symlink(at("log-private/a.log"), at("log/b.log"));
    expect(await refusalOf("log/b.log", "log")).toBe("link");
  });

  test("through links within what is named is followed, and through one more that leaves it is not", async () => {
    await make("log/real/a.log");
    await symlink("real", at("log/one"));
    await symlink("one/a.log", at("log/two.log"));
    expect(await refusalOf("log/two.log", "log")).toBeUndefined();
    await symlink("../etc", at("log/three"));
    await symlink("three/shadow", at("log/four.log"));
    expect(await refusalOf("log/four.log", "log")).toBe("link");
  });

  test("to a release beside it is followed", async () => {
    await make("app/releases/1/log/a.log");
    await symlink("releases/1", at("app/current"));
    expect(await refusalOf("app/current/log/a.log", "app/current/log")).toBeUndefined();
    expect(await refusalOf("app/current/log/a.log", "app")).toBeUndefined();
  });

  test("is followed where follow_links says so", async () => {
    await make("log/a.log");
    await symlink(at("etc/shadow"), at("log/b.log"));
    const allowed = (followLinks: boolean | string[]) => refusalOf("log/b.log", "log", { followLinks });
    expect(await allowed([at("etc")])).toBeUndefined();
    expect(await allowed(true)).toBeUndefined();
    expect(await allowed([at("other")])).toBe("link");
  });

  test.skipIf(!IS_ROOT)("on the way to a named directory is root's, or leads nowhere else", async () => {
    await make("srv/app/a.log");
    await mkdir(at("home"));
    await symlink(at("srv"), at("home/logs"));
    expect(await refusalOf("home/logs/app/a.log", "home/logs/app")).toBeUndefined();
    await chown(at("home"), SOMEBODY, SOMEBODY);
    expect(await refusalOf("home/logs/app/a.log", "home/logs/app")).toBe("link");
  });
});

describe("a hard link", () => {
  test("is read where all names of its file are found", async () => {
    await make("log/a.log");
    await link(at("log/a.log"), at("log/b.log"));
    expect(await refusalOf("log/a.log", "log", {}, ["log/b.log"])).toBeUndefined();
  });

  test("is not counted twice where a symbolic link leads to one name of its file", async () => {
    await mkdir(at("log"));
    await link(at("etc/shadow"), at("log/a.log"));
    await symlink("a.log", at("log/b.log"));
    await symlink(".", at("log/c"));
    expect(await refusalOf("log/a.log", "log", {}, ["log/b.log", "log/c/a.log"])).toBe("names");
  });

  test("to a file that has another name elsewhere is not read", async () => {
    await make("log/a.log");
    await link(at("etc/shadow"), at("log/evil.log"));
    expect(await refusalOf("log/evil.log", "log")).toBe("names");
    expect(await refusalOf("log/evil.log", "log", { followLinks: [at("log")] })).toBe("names");
    expect(await refusalOf("log/evil.log", "log", { followLinks: true })).toBeUndefined();
  });
});

describe.skipIf(!IS_ROOT)("a file's owner", () => {
  test("is anybody where the directory is root's", async () => {
    await make("log/a.log");
    await chown(at("log/a.log"), SOMEBODY, SOMEBODY);
    expect(await refusalOf("log/a.log", "log")).toBeUndefined();
  });

  test("is the directory's where that is another's, or one that is allowed", async () => {
    await make("log/own.log");
    await make("log/moved-here.log");
    await chown(at("log"), SOMEBODY, SOMEBODY);
    await chown(at("log/own.log"), SOMEBODY, SOMEBODY);
    await chown(at("log/moved-here.log"), SOMEBODY_ELSE, SOMEBODY_ELSE);
    expect(await refusalOf("log/own.log", "log")).toBeUndefined();
    expect(await refusalOf("log/moved-here.log", "log")).toBe("owner");
    expect(await refusalOf("log/moved-here.log", "log", { owners: [SOMEBODY_ELSE] })).toBeUndefined();
  });
});

test("a file that was replaced since it was found is asked about again, not read", async () => {
  const path = await make("log/a.log");
  const found = (await statFile(path))!;
  await symlink(at("etc/shadow"), at("log/next"));
  await rename(at("log/next"), path);
  const check = await new FileAccess({ directories: [at("log")], followLinks: false, owners: [] }).look();
  expect(await check.refusalOf(found, () => [path])).toMatchObject({ reason: "changed" });
});
