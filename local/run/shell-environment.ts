import { chmod, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Warehouse } from "../warehouse/warehouse.ts";

/** Files in a laptop cloud's folder, there while it runs: for a shell of somebody who wants to look. */
const ENVIRONMENT_FILE = "env";
const PASSWORD_FILE = "pgpass";

/** A profile or a session of the shell's would be asked beside the laptop's keys, or in their place. */
const UNSET = "unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN\n";

/**
 * Writes what makes `aws` and `psql` work on a laptop cloud, to be read into a shell with `.`; the password stands in a
 * file of its own, where psql looks for it.
 *
 * @param environment for AWS's command line
 * @returns the file, and how it is taken away
 */
export async function writeShellEnvironment(
  dir: string,
  environment: Readonly<Record<string, string>>,
  warehouse: Warehouse | undefined,
): Promise<{ path: string; stop(): Promise<void> }> {
  const [path, passwords] = [join(dir, ENVIRONMENT_FILE), join(dir, PASSWORD_FILE)];
  // The command line's first version knows the region by another name than the SDKs do.
  const region = environment["AWS_REGION"];
  const aws = { ...environment, ...(region !== undefined && { AWS_DEFAULT_REGION: region }) };
  const all = { ...aws, ...(warehouse && (await psqlEnvironment(warehouse, passwords))) };
  const lines = Object.entries(all).map(([name, value]) => `export ${name}=${quoted(value)}\n`);
  await writeFile(path, [UNSET, ...lines].join(""), { mode: 0o600 });
  return {
    path,
    async stop() {
      for (const file of [path, passwords]) await rm(file, { force: true });
    },
  };
}

/** As libpq reads it. source: PostgreSQL documentation, Environment Variables and The Password File, read 2026-11 */
async function psqlEnvironment(
  { port, database, postgres: { user, password } }: Warehouse,
  PGPASSFILE: string,
): Promise<Record<string, string>> {
  await writeFile(PGPASSFILE, `127.0.0.1:${port}:*:${user}:${password}\n`, { mode: 0o600 });
  // libpq ignores one that others can read, and the file may have been there.
  await chmod(PGPASSFILE, 0o600);
  return { PGHOST: "127.0.0.1", PGPORT: `${port}`, PGUSER: user, PGDATABASE: database, PGPASSFILE };
}

/** Quotes a path for a line that is to be pasted. */
export const shellWord = (text: string): string => (/^[\w./:@%+=-]+$/.test(text) ? text : quoted(text));

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
