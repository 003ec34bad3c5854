import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { startWarehouse, type Warehouse } from "../../local/warehouse/warehouse.ts";

type Request = Record<string, unknown>;

/** The request as the local warehouse takes it: it has workgroups only, and asks nobody to sign in. */
function asWorkgroup(request: Request): Request {
  const { ClusterIdentifier = request["WorkgroupName"], ...rest } = request;
  delete rest["SecretArn"];
  delete rest["DbUser"];
  return ClusterIdentifier === undefined ? rest : { ...rest, WorkgroupName: ClusterIdentifier };
}

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

  /** @param name of a workgroup or cluster */
  async query<Row extends object>(name: string, database: string, sql: string): Promise<Row[]> {
    return (await this.#warehouse(name, database)).query<Row>(sql);
  }

  async #call(operation: string, input: Request): Promise<{ status: number; body: string }> {
    const request = asWorkgroup(input);
    const statement = String(request["Id"]).split(":")[0]!;
    const warehouse =
      this.#byStatement.get(statement) ??
      this.#warehouse(String(request["WorkgroupName"]), String(request["Database"]));
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

  #warehouse(workgroup: string, database: string): Promise<Warehouse> {
    const known = this.#warehouses.get(workgroup);
    if (known) return known;
    const dataDir = join(this.#folder, workgroup);
    const started = mkdir(dataDir, { recursive: true }).then(() =>
      startWarehouse({ dataDir, s3: { endpoint: this.#s3Endpoint }, workgroup, database }),
    );
    this.#warehouses.set(workgroup, started);
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const warehouse of this.#warehouses.values()) await (await warehouse).stop();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
