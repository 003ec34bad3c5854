import { ListShardsCommand } from "@aws-sdk/client-kinesis";
import { expect, test } from "vitest";
import { awsSchema } from "../../agent/config/aws-config.ts";
import { kinesisClient } from "../../agent/kinesis/kinesis-client.ts";
import { LocalServer } from "./local-server.ts";

process.env["AWS_ACCESS_KEY_ID"] = "test";
process.env["AWS_SECRET_ACCESS_KEY"] = "test";

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a client says of an answer. */
async function reasonFor({ status, headers, body }: Answer): Promise<Error> {
  await using server = await LocalServer.start((request, response) => {
    request.resume();
    response.writeHead(status, headers).end(body);
  });
  const client = kinesisClient({ region: "us-east-1", endpoint: server.url, aws: awsSchema.parse({}) });
  try {
    await client.send(new ListShardsCommand({ StreamName: "test" }));
    throw new Error("no error");
  } catch (error) {
    return error as Error;
  } finally {
    client.destroy();
  }
}

const html = { "content-type": "text/html" };

test.each<[string, Answer, string | RegExp]>([
  [
    "a page of a proxy",
    { status: 502, headers: html, body: "<html>\r\n<h1>502 Bad Gateway</h1>\r\n</html>\r\n" },
    "HTTP 502 Bad Gateway, not from the service: <html> <h1>502 Bad Gateway</h1> </html>",
  ],
  [
    "nothing at all",
    { status: 503, body: "" },
    "HTTP 503 Service Unavailable, not from the service: no more is said",
  ],
  [
    "a request that is too large for what stands before the service",
    { status: 413, headers: { "content-type": "text/plain" }, body: "too large" },
    "HTTP 413 Payload Too Large, not from the service: too large",
  ],
  [
    "a proxy that wants to know who asks",
    { status: 407, body: "denied" },
    "HTTP 407 Proxy Authentication Required, not from the service: denied",
  ],
  [
    "a redirect",
    { status: 302, headers: { location: "https://login.example/" }, body: "" },
    "HTTP 302 Found to https://login.example/, not from the service: no more is said",
  ],
  [
    "JSON that is no service's",
    { status: 403, headers: { "content-type": "application/json" }, body: '{"message":"Forbidden"}' },
    'HTTP 403 Forbidden, not from the service: {"message":"Forbidden"}',
  ],
  [
    "a page with which a portal answers everything",
    { status: 200, headers: html, body: "<p>Please sign in" },
    "HTTP 200 OK, not from the service: <p>Please sign in",
  ],
  [
    "control characters and megabytes",
    { status: 500, body: `\u001b[31mred\u0000\u0007${"x".repeat(2 ** 21)}` },
    /^HTTP 500 Internal Server Error, not from the service: \[31mred x{190,200}\.\.\.$/,
  ],
])("%s is told with its status and the beginning of what it says", async (_, answer, expected) => {
  const { message } = await reasonFor(answer);
  if (typeof expected === "string") expect(message).toBe(expected);
  else expect(message).toMatch(expected);
});

test("what the service refuses has the service's own name and words", async () => {
  const body = JSON.stringify({ __type: "AccessDeniedException", message: "not allowed" });
  expect(await reasonFor({ status: 400, body })).toMatchObject({
    name: "AccessDeniedException",
    message: "not allowed",
  });
});
