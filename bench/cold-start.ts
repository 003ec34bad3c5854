import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { writeHandler } from "../lib/handler-code.ts";
import { parseConfig, type WeirConfigInput } from "../wire/config.ts";
import type { BenchRow } from "./cpu-time.ts";
import { aggregates, eventOf } from "./kinesis-event.ts";
import { photoLines, take } from "./sample-lines.ts";

const ROUNDS = 15;
const BATCH_BYTES = 2 ** 16;

/** JavaScript, because a TypeScript file's types would be stripped at the handler's expense. */
const CHILD = `
const [file, event] = process.argv.slice(1);
const { handler } = await import(file);
const imported = process.cpuUsage();
await handler(JSON.parse(event), { getRemainingTimeInMillis: () => 60_000 });
const { user, system } = process.cpuUsage();
const figures = { importedMs: (imported.user + imported.system) / 1e3, cpuMs: (user + system) / 1e3, wallMs: performance.now() };
console.log(JSON.stringify(figures));
process.exit();`;

/** CPU time of all threads, since the process began. */
interface ColdStart {
  readonly importedMs: number;
  readonly cpuMs: number;
  readonly wallMs: number;
}

interface Program {
  readonly name: string;
  readonly file: string;
  readonly event: unknown;
}

/**
 * Each handler as it deploys, with the sample configuration, in a new process of Node: until it is imported,
 * and until it has answered its first event. A lake that is empty and takes everything answers at once, so
 * what is left is the handler's own. Medians; the handlers take turns.
 */
export async function benchColdStart(): Promise<BenchRow[]> {
  const directory = await mkdtemp(join(tmpdir(), "weir-cold-start-"));
  const cloud = createServer(answer);
  try {
    await once(cloud.listen(0, "127.0.0.1"), "listening");
    const programs = await writePrograms(directory);
    const measured = programs.map((): ColdStart[] => []);
    for (let round = 0; round < ROUNDS; round++)
      for (const [i, program] of programs.entries()) measured[i]!.push(await coldStart(program, cloud));
    return programs.map(({ name }, i) => ({ name, figures: figuresOf(measured[i]!) }));
  } finally {
    cloud.close();
    cloud.closeAllConnections();
    await rm(directory, { recursive: true });
  }
}

/** The handlers, and first one that does nothing: what Node takes by itself. */
async function writePrograms(directory: string): Promise<Program[]> {
  const sample = new URL("../weir.config.ts", import.meta.url).href;
  const { default: input } = (await import(sample)) as { default: WeirConfigInput };
  const config = parseConfig(input, "weir.config.ts");
  const idle = join(directory, "idle.mjs");
  await writeFile(idle, "export const handler = async () => {};");
  const program = (name: string, event: unknown): Program => {
    const entry = fileURLToPath(new URL(`../lambdas/${name}/handler.ts`, import.meta.url));
    const folder = join(directory, name);
    writeHandler(entry, folder, config);
    return { name, file: join(folder, "index.mjs"), event };
  };
  const batch = eventOf(aggregates("photo", take(photoLines(), BATCH_BYTES), 2 ** 20));
  return [
    { name: "Node alone", file: idle, event: {} },
    program("router", batch),
    program("sequencer", {}),
    program("loader", {}),
  ];
}

async function coldStart({ file, event }: Program, cloud: Server): Promise<ColdStart> {
  const { port } = cloud.address() as AddressInfo;
  const env = {
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    WEIR_LAKE_BUCKET: "lake",
    WEIR_COPY_ROLE_ARN: "arn:aws:iam::123456789012:role/copy",
    WEIR_DATABASE: "logs",
    WEIR_WORKGROUP: "weir",
  };
  const args = ["--input-type=module", "--eval", CHILD, pathToFileURL(file).href, JSON.stringify(event)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as ColdStart;
}

/** S3, as far as an empty bucket needs it: nothing is there, and what is put is taken. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const isList = request.url?.includes("list-type=2") === true;
  request.resume().on("end", () => {
    if (request.method === "PUT") return response.setHeader("etag", '"0"').end();
    response.setHeader("content-type", "application/xml");
    if (isList) return response.end(EMPTY_LIST);
    return response.writeHead(404).end(NO_SUCH_KEY);
  });
}

const EMPTY_LIST =
  '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>lake</Name><KeyCount>0</KeyCount>' +
  "<IsTruncated>false</IsTruncated></ListBucketResult>";
const NO_SUCH_KEY = "<Error><Code>NoSuchKey</Code><Message>There is none.</Message></Error>";

function figuresOf(starts: readonly ColdStart[]): BenchRow["figures"] {
  const median = (of: (start: ColdStart) => number) =>
    Math.round(starts.map(of).sort((a, b) => a - b)[Math.floor(starts.length / 2)]!);
  return {
    "CPU ms, imported": median(({ importedMs }) => importedMs),
    "CPU ms, answered": median(({ cpuMs }) => cpuMs),
    "wall ms, answered": median(({ wallMs }) => wallMs),
  };
}
