import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  BatchExecuteStatementCommand,
  DescribeStatementCommand,
  type DescribeStatementResponse,
  ExecuteStatementCommand,
  RedshiftDataClient,
} from "@aws-sdk/client-redshift-data";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { startFauxqs } from "fauxqs";
import { removePostgres } from "../../local/warehouse/postgres.ts";
import { startWarehouse, type Warehouse, type WarehouseOptions } from "../../local/warehouse/warehouse.ts";

export const BUCKET = "lake";
export const WORKGROUP = "local";
export const DATABASE = "weir";
const LOCAL = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };

/** An S3 and a warehouse, with the SDK's own clients at them. */
export interface Rig extends AsyncDisposable {
  readonly dataDir: string;
  readonly s3: S3Client;
  readonly s3Endpoint: string;
  readonly redshift: RedshiftDataClient;
  readonly warehouse: Warehouse;
  put(key: string, body: Uint8Array | string): Promise<void>;
  get(key: string): Promise<Buffer>;
  remove(key: string): Promise<void>;
  /** Runs a batch to its end. */
  batch(...sqls: string[]): Promise<DescribeStatementResponse>;
  execute(sql: string): Promise<DescribeStatementResponse>;
  describe(id: string): Promise<DescribeStatementResponse>;
}

export const TARGET = { WorkgroupName: WORKGROUP, Database: DATABASE } as const;

export async function startRig(options: Partial<WarehouseOptions> = {}): Promise<Rig> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "weir-test-")));
  const fauxqs = await startFauxqs({ port: 0, logger: false, host: "127.0.0.1" });
  fauxqs.createBucket(BUCKET);
  const endpoint = `http://127.0.0.1:${fauxqs.port}`;
  const warehouse = await startWarehouse({
    s3: { endpoint },
    workgroup: WORKGROUP,
    database: DATABASE,
    ...options,
    dataDir,
  });
  const s3 = new S3Client({ endpoint, forcePathStyle: true, ...LOCAL });
  const redshift = new RedshiftDataClient({ endpoint: warehouse.endpoint, maxAttempts: 1, ...LOCAL });
  const describe = (Id: string) => redshift.send(new DescribeStatementCommand({ Id, WaitTimeSeconds: 30 }));
  return {
    dataDir,
    s3,
    s3Endpoint: endpoint,
    redshift,
    warehouse,
    describe,
    async put(Key, body) {
      const Body = Buffer.from(body as string);
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body, ContentLength: Body.length }));
    },
    async get(Key) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key }));
      return Buffer.from(await Body!.transformToByteArray());
    },
    async remove(Key) {
      await s3.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
    },
    async batch(...Sqls) {
      const { Id } = await redshift.send(new BatchExecuteStatementCommand({ ...TARGET, Sqls }));
      return describe(Id!);
    },
    async execute(Sql) {
      const { Id } = await redshift.send(new ExecuteStatementCommand({ ...TARGET, Sql }));
      return describe(Id!);
    },
    async [Symbol.asyncDispose]() {
      redshift.destroy();
      s3.destroy();
      await warehouse.stop();
      await fauxqs.stop();
      await removePostgres(dataDir);
    },
  };
}
