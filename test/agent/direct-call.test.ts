import { KinesisServiceException, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { cbor } from "@smithy/core/cbor";
import { HttpResponse } from "@smithy/core/protocols";
import { expect, test, vi } from "vitest";
import { awsSchema } from "../../agent/config/aws-config.ts";
import { type AgentClient, kinesisClient } from "../../agent/kinesis/kinesis-client.ts";
import { PutRecords, type PutResult } from "../../agent/kinesis/put-records.ts";
import { LocalServer } from "./local-server.ts";

process.env["AWS_ACCESS_KEY_ID"] = "test";
process.env["AWS_SECRET_ACCESS_KEY"] = "test";

const signal = new AbortController().signal;
const BODY = Buffer.from('{"StreamName":"test","Records":[]}');

type Sent = {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
} & {
  readonly headers: Readonly<Record<string, string>>;
};

/** What a client sends by either way, and what comes of such an answer. */
async function bothWays(client: AgentClient, answer: () => HttpResponse) {
  const sent: Sent[] = [];
  vi.spyOn(client.config.requestHandler, "handle").mockImplementation(async (request) => {
    sent.push(request as Sent);
    return { response: answer() as never };
  });
  const settled = async (sending: Promise<unknown>): Promise<unknown> =>
    sending.catch((error: unknown) => error);
  const bySdk = await settled(client.send(new PutRecordsCommand({ StreamName: "test", Records: [] })));
  const direct = await settled(client.putRecords("application/x-amz-json-1.1", BODY, signal));
  return { sent, bySdk, direct };
}

function answerOf(statusCode: number, body: Uint8Array, headers: Record<string, string> = {}): HttpResponse {
  return new HttpResponse({ statusCode, headers, body: new Blob([Buffer.from(body)]).stream() });
}

test.each<[string, Parameters<typeof kinesisClient>[0], NodeJS.ProcessEnv]>([
  ["of a region", { region: "eu-west-1", endpoint: undefined }, {}],
  [
    "of a kind",
    {
      region: "us-east-1",
      endpoint: undefined,
      aws: awsSchema.parse({ use_fips: true, use_dual_stack: true }),
    },
    {},
  ],
  ["of the configuration", { region: "us-east-1", endpoint: "http://127.0.0.1:4567/kinesis" }, {}],
  [
    "of the environment",
    { region: "us-east-1", endpoint: undefined },
    { AWS_ENDPOINT_URL_KINESIS: "https://vpce.example:444" },
  ],
])("a direct call goes to the endpoint %s, as the SDK's commands do", async (_, settings, environment) => {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const { sent } = await bothWays(kinesisClient(settings), () => answerOf(200, Buffer.from("{}")));
  vi.unstubAllEnvs();
  const [bySdk, direct] = sent.map(({ protocol, hostname, port, path, headers }) => {
    const { host, "x-amz-target": target } = headers;
    return {
      protocol,
      hostname,
      port,
      path,
      host,
      target,
      signedFor: headers["authorization"]?.split("/").slice(2, 4),
    };
  });
  expect(direct).toEqual(bySdk);
});

const REFUSED = { __type: "com.amazonaws.kinesis#ResourceNotFoundException", message: "no such stream" };

test.each<[string, HttpResponse]>([
  ["with its name in the body", answerOf(400, Buffer.from(JSON.stringify(REFUSED)))],
  [
    "with its name in a header",
    answerOf(400, Buffer.from("{}"), { "x-amzn-errortype": "ExpiredTokenException:http://x/" }),
  ],
  [
    "with a message in capitals",
    answerOf(400, Buffer.from('{"__type":"AccessDeniedException","Message":"not allowed"}')),
  ],
  ["of the service's own", answerOf(500, Buffer.from('{"__type":"InternalFailure"}'))],
])("a failure %s has the name and the words that the SDK gives it", async (_, answer) => {
  const body = await new Response(answer.body as ReadableStream).bytes();
  const { statusCode, headers } = answer;
  const client = kinesisClient({ region: "us-east-1", endpoint: undefined });
  const { bySdk, direct } = await bothWays(client, () => answerOf(statusCode, body, headers));
  expect(direct).toBeInstanceOf(KinesisServiceException);
  const { name, message, $fault } = bySdk as KinesisServiceException;
  expect(direct).toMatchObject({ name, $fault, $metadata: { httpStatusCode: statusCode } });
  if (!message.startsWith("Unknown")) expect(direct).toMatchObject({ message });
});

test("a failure that a header alone tells of has its name", async () => {
  const client = kinesisClient({ region: "us-east-1", endpoint: undefined });
  const headers = { "x-amzn-errortype": "ServiceUnavailableException" };
  const { direct } = await bothWays(client, () => answerOf(503, Buffer.alloc(0), headers));
  expect(direct).toMatchObject({ name: "ServiceUnavailableException", $fault: "server" });
});

test("a failure in CBOR has its name and words too", async () => {
  const client = kinesisClient({ region: "us-east-1", endpoint: undefined });
  const { direct } = await bothWays(client, () => answerOf(400, cbor.serialize(REFUSED)));
  expect(direct).toMatchObject({ name: "ResourceNotFoundException", message: "no such stream" });
});

test("a clock that is wrong is corrected by what the service says it is", async () => {
  const dates: (string | undefined)[] = [];
  const HOUR_MS = 3_600_000;
  const client = kinesisClient({ region: "us-east-1", endpoint: undefined });
  vi.spyOn(client.config.requestHandler, "handle").mockImplementation(async ({ headers }) => {
    dates.push(headers["x-amz-date"]);
    const date = new Date(Date.now() + HOUR_MS).toUTCString();
    const body = Buffer.from('{"__type":"InvalidSignatureException"}');
    return { response: answerOf(400, body, { date }) as never };
  });
  for (let i = 0; i < 2; i++) {
    await expect(client.putRecords("application/x-amz-json-1.1", BODY, signal)).rejects.toThrow();
  }
  const [first, second] = dates.map((date) =>
    Date.parse(date!.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z")),
  );
  expect(Math.abs(second! - first! - HOUR_MS)).toBeLessThan(60_000);
});

const record = {
  data: Buffer.from("x"),
  partitionKey: "k",
  explicitHashKey: "0",
  source: undefined,
  acknowledge: () => {},
};

/** Puts records, of 1, 2, 3 bytes and so on as they count, to a service that answers so. */
async function putOf(records: number, answer: string): Promise<PutResult> {
  await using server = await LocalServer.start((request, response) => {
    request.resume();
    response.end(answer);
  });
  const client = kinesisClient({ region: "us-east-1", endpoint: server.url });
  const entries = Array.from({ length: records }, (_, i) => ({
    record,
    shard: undefined as never,
    bytes: i + 1,
  }));
  try {
    return await new PutRecords(client, "test", "json").send(entries, signal);
  } finally {
    client.destroy();
  }
}

test.each([
  ["nothing of records", "{}", /answered for 0 of 1 records/],
  ["something else than a list", '{"Records":{"0":{}}}', /answered for 0 of 1 records/],
  ["no object", "null", /answered for 0 of 1 records/],
  ["no JSON", "<", /JSON/],
  ["more than any answer is", `{"Records":["${"x".repeat(2 ** 20)}"]}`, /longer than 1048576 bytes/],
])("an answer that says %s acknowledges nothing", async (_, text, reason) => {
  await expect(putOf(1, text)).rejects.toThrow(reason);
});

test("a record without a shard, and what is no record at all, are sent again, and one without an error is not", async () => {
  const taken = { ShardId: "a" };
  // kinesis-local, for one, writes what is not there as null.
  const alsoTaken = { ...taken, ErrorCode: null, ErrorMessage: null };
  const refused = { ...alsoTaken, ShardId: null };
  const answer = JSON.stringify({ Records: [null, taken, "x", alsoTaken, refused] });
  const { put, retry } = await putOf(5, answer);
  expect([put.map(({ entry }) => entry.bytes), retry.map(({ entry }) => entry.bytes)]).toEqual([
    [2, 4],
    [1, 3, 5],
  ]);
});
