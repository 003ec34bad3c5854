import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { translate } from "../../local/warehouse/dialect.ts";
import { startWarehouse, type Warehouse } from "../../local/warehouse/warehouse.ts";

type Request = Record<string, unknown>;

/**
 * The Redshift Data API of all accounts on this machine. A warehouse is a PostgreSQL, started when it is
 * asked for the first time: a deployment asks before anybody knows its name.
 */
export class Redshift implements AsyncDisposable {
  readonly #folder: string;
  readonly #s3Endpoint: string;
  readonly #server: Server;
  readonly #warehouses = new Map<string, Promise<Warehouse>>();
  readonly #byStatement = new Map<string, Promise<Warehouse>>();
  /** Database user of loaders that ask warehouses which are started from here on. */
  loader: string | undefined;

  private constructor(folder: string, s3Endpoint: string) {
    this.#folder = folder;
    this.#s3Endpoint = s3Endpoint;
    this.#server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
      const operation = String(request.headers["x-amz-target"]);
      void buffer(request)
        .then((body) => this.#call(operation, JSON.parse(body.toString("utf8")) as Request))
        .catch((error: Error) => ({ status: 500, body: JSON.stringify({ message: error.message }) }))
        .then(({ status, body }) => response.writeHead(status).end(body));
    });
  }

  /** @param s3Endpoint where COPY finds its objects */
  static async start(folder: string, s3Endpoint: string): Promise<Redshift> {
    const redshift = new Redshift(folder, s3Endpoint);
    await new Promise<void>((resolve) => redshift.#server.listen(0, "127.0.0.1", resolve));
    return redshift;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @param name of a workgroup or cluster that somebody has asked already, or of a workgroup */
  async query<Row extends object>(name: string, database: string, sql: string): Promise<Row[]> {
    return (await this.#warehouse(name, database)).query<Row>(sql);
  }

  /** Runs what `weir warehouse grants` prints, as its reader does. */
  async administer(name: string, database: string, script: string, isCluster: boolean): Promise<void> {
    await this.#warehouse(name, database, isCluster);
    let isWanted = true;
    for (const line of script.trim().split("\n")) {
      const [, condition] = /^-- only if: (.*);$/.exec(line) ?? [];
      if (condition === undefined) {
        if (isWanted) await this.query(name, database, translate(line));
        isWanted = true;
      } else {
        const [row = {}] = await this.query<Record<string, unknown>>(name, database, condition);
        isWanted = Object.values(row)[0] === true;
      }
    }
  }

  /** Gives the loader what PostgreSQL has no privilege for and Redshift has: to alter tables of somebody else's. */
  async letAlter(name: string, database: string): Promise<void> {
    const tables = await this.query<{ name: string }>(
      name,
      database,
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('logs', 'weir')",
    );
    for (const table of tables) {
      await this.query(name, database, `ALTER TABLE ${table.name} OWNER TO "${this.loader}"`);
    }
  }

  async #call(operation: string, request: Request): Promise<{ status: number; body: string }> {
    const statement = String(request["Id"]).split(":")[0]!;
    const { WorkgroupName, ClusterIdentifier, Database } = request;
    const warehouse =
      this.#byStatement.get(statement) ??
      this.#warehouse(
        String(WorkgroupName ?? ClusterIdentifier),
        String(Database),
        WorkgroupName === undefined,
      );
    const response = await fetch((await warehouse).endpoint, {
      method: "POST",
      headers: { "x-amz-target": operation },
      body: JSON.stringify(request),
    });
    const body = await response.text();
    const { Id } = JSON.parse(body) as { Id?: string };
    if (Id !== undefined) this.#byStatement.set(Id, warehouse);
    return { status: response.status, body };
  }

  #warehouse(name: string, database: string, isCluster = false): Promise<Warehouse> {
    const known = this.#warehouses.get(name);
    if (known) return known;
    const dataDir = join(this.#folder, name);
    const target = isCluster ? { cluster: name } : { workgroup: name };
    const started = mkdir(dataDir, { recursive: true }).then(() =>
      startWarehouse({ dataDir, s3: { endpoint: this.#s3Endpoint }, ...target, database, user: this.loader }),
    );
    this.#warehouses.set(name, started);
    return started;
  }

  /** Stops every warehouse; it is started again, with its tables, when it is asked. */
  async restart(): Promise<void> {
    for (const warehouse of this.#warehouses.values()) await (await warehouse).stop();
    this.#warehouses.clear();
    this.#byStatement.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.restart();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
