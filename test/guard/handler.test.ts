import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CustomResourceEvent } from "../../lambdas/guard/custom-resource.ts";

const STACK = "arn:aws:cloudformation:eu-west-1:111122223333:stack/Weir/1a2b3c4d-0000-0000-0000-000000000000";

interface Answer {
  readonly contentType: string | undefined;
  readonly body: Record<string, string>;
}

/**
 * CloudFormation's two questions, in the XML of its API, and the presigned URL that takes the answer. A stand-in: no
 * CloudFormation runs here. source: DescribeStacks and ListStackResources reference, read 2026-11
 */
const cloudFormation = { status: "UPDATE_IN_PROGRESS", namespaces: [] as string[], refuse: 0, puts: 200 };
/** Redshift Serverless' answer to GetNamespace: names, or undefined when it refuses to say. */
let accountNamespaces: string[] | undefined = [];
let answers: Answer[] = [];
const server = createServer((request, response) => {
  void text(request).then((body) => {
    if (request.headers["x-amz-target"] === "RedshiftServerless.GetNamespace") {
      const { status, json } = namespace((JSON.parse(body) as { namespaceName: string }).namespaceName);
      return response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(json);
    }
    const { status, xml } =
      request.method === "PUT" ? taken(request, body) : asked(new URLSearchParams(body));
    return response.writeHead(status, { "content-type": "text/xml" }).end(xml);
  });
});

function namespace(namespaceName: string): { status: number; json: string } {
  if (!accountNamespaces) return { status: 400, json: '{ "__type": "AccessDeniedException" }' };
  if (accountNamespaces.includes(namespaceName)) {
    return { status: 200, json: JSON.stringify({ namespace: { namespaceName } }) };
  }
  return { status: 400, json: '{ "__type": "ResourceNotFoundException" }' };
}

function taken({ headers }: IncomingMessage, body: string): { status: number; xml: string } {
  const status = cloudFormation.puts;
  cloudFormation.puts = 200;
  const answer = JSON.parse(body) as Record<string, string>;
  if (status === 200) answers.push({ contentType: headers["content-type"], body: answer });
  return { status, xml: "" };
}

function asked(parameters: URLSearchParams): { status: number; xml: string } {
  expect(parameters.get("StackName")).toBe(STACK);
  const action = parameters.get("Action")!;
  if (cloudFormation.refuse-- > 0) {
    const error = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>";
    return { status: 403, xml: `<ErrorResponse>${error}</ErrorResponse>` };
  }
  const xml = `<${action}Response><${action}Result>${result(action)}</${action}Result></${action}Response>`;
  return { status: 200, xml };
}

function result(action: string): string {
  if (action === "DescribeStacks") {
    const { status } = cloudFormation;
    return `<Stacks><member><StackName>Weir</StackName><StackStatus>${status}</StackStatus></member></Stacks>`;
  }
  const namespaces = cloudFormation.namespaces.map((name) => {
    const [id, status = "UPDATE_COMPLETE"] = name.split(" ");
    return `<member><LogicalResourceId>x</LogicalResourceId><PhysicalResourceId>${id}</PhysicalResourceId>
      <ResourceType>AWS::RedshiftServerless::Namespace</ResourceType><ResourceStatus>${status}</ResourceStatus></member>`;
  });
  return `<StackResourceSummaries>${namespaces.join("")}</StackResourceSummaries>`;
}

let url: string;
let handler: (event: CustomResourceEvent) => Promise<void>;
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_CLOUDFORMATION: url,
    AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS: url,
    POWERTOOLS_LOG_LEVEL: "SILENT",
    AWS_REGION: "eu-west-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  });
  ({ handler } = await import("../../lambdas/guard/handler.ts"));
});
afterAll(() => void server.close());
beforeEach(() => {
  answers = [];
  accountNamespaces = [];
  Object.assign(cloudFormation, { status: "UPDATE_IN_PROGRESS", namespaces: [], refuse: 0, puts: 200 });
});

const OURS = { Kind: "new-serverless", Name: "weir-1a2b3c4d", Database: "weir", Replaces: "" };
const NONE = { Kind: "none", Name: "", Database: "", Replaces: "" };

type Changed = { [Field in keyof CustomResourceEvent]?: CustomResourceEvent[Field] | undefined };

async function call(event: Changed): Promise<Answer> {
  await handler({
    RequestType: "Update",
    ResponseURL: `${url}/answer`,
    StackId: STACK,
    RequestId: "request-1",
    LogicalResourceId: "Guard",
    PhysicalResourceId: "guard-1",
    ResourceProperties: OURS,
    ...event,
  } as CustomResourceEvent);
  expect(answers).toHaveLength(1);
  return answers[0]!;
}

// source: "Custom resource response objects", AWS CloudFormation, read 2026-11
test("an answer names its request, keeps the physical id, and has no content type, for which the URL is not signed", async () => {
  const { body, contentType } = await call({ OldResourceProperties: OURS });
  expect(contentType).toBeUndefined();
  expect(body).toEqual({
    Status: "SUCCESS",
    StackId: STACK,
    RequestId: "request-1",
    LogicalResourceId: "Guard",
    PhysicalResourceId: "guard-1",
  });
});

test("a change of warehouse is refused with a reason for the stack's events, and its taking back is not", async () => {
  cloudFormation.namespaces = ["weir-1a2b3c4d"];
  const refused = await call({ ResourceProperties: NONE, OldResourceProperties: OURS });
  expect(refused.body).toMatchObject({ Status: "FAILED", PhysicalResourceId: "guard-1" });
  expect(refused.body["Reason"]).toContain('warehouse.replaces to "weir-1a2b3c4d/weir"');

  answers = [];
  cloudFormation.status = "UPDATE_ROLLBACK_IN_PROGRESS";
  const rollback = await call({ ResourceProperties: OURS, OldResourceProperties: NONE });
  expect(rollback.body).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: "guard-1" });
});

test("a change that was allowed can be taken back, though the old configuration does not allow the way back", async () => {
  const theirs = { Kind: "existing-serverless", Name: "analytics", Database: "reports" };
  const others = { ...theirs, Name: "others", Replaces: "analytics/reports" };
  expect((await call({ ResourceProperties: others, OldResourceProperties: theirs })).body["Status"]).toBe(
    "SUCCESS",
  );

  answers = [];
  cloudFormation.status = "UPDATE_ROLLBACK_IN_PROGRESS";
  const back = await call({ ResourceProperties: theirs, OldResourceProperties: others });
  expect(back.body["Status"]).toBe("SUCCESS");
});

test("its own making finds a namespace that the stack had before, but not one that it gave up", async () => {
  cloudFormation.namespaces = ["weir-0000aaaa DELETE_SKIPPED", "weir-1a2b3c4d"];
  const { body } = await call({
    RequestType: "Create",
    PhysicalResourceId: undefined,
    ResourceProperties: NONE,
  });
  expect(body).toMatchObject({ Status: "FAILED", PhysicalResourceId: "Guard" });
  expect(body["Reason"]).toContain("leave the warehouse weir-1a2b3c4d behind");
});

describe("deletion goes on", () => {
  test("whatever the stack holds", async () => {
    cloudFormation.status = "DELETE_IN_PROGRESS";
    cloudFormation.namespaces = ["weir-1a2b3c4d"];
    expect((await call({ RequestType: "Delete" })).body["Status"]).toBe("SUCCESS");
  });

  test("though CloudFormation answers nothing but the deletion", async () => {
    cloudFormation.refuse = Infinity;
    expect((await call({ RequestType: "Delete" })).body["Status"]).toBe("SUCCESS");
  });
});

describe("a namespace that the stack had before and left", () => {
  const again = { ...OURS, Makes: "weir-1a2b3c4d" };

  test("is not made again, which could not succeed, but named", async () => {
    accountNamespaces = ["weir-1a2b3c4d"];
    const { body } = await call({ ResourceProperties: again, OldResourceProperties: NONE });
    expect(body["Status"]).toBe("FAILED");
    expect(body["Reason"]).toContain('Set warehouse.namespace to "weir-1a2b3c4d"');
  });

  test("gets a workgroup when the configuration names it", async () => {
    accountNamespaces = ["weir-1a2b3c4d"];
    const adopted = { ...OURS, Makes: "" };
    expect((await call({ ResourceProperties: adopted, OldResourceProperties: NONE })).body["Status"]).toBe(
      "SUCCESS",
    );
  });

  test("is not taken for the one that the stack has", async () => {
    accountNamespaces = ["weir-1a2b3c4d"];
    cloudFormation.namespaces = ["weir-1a2b3c4d"];
    expect((await call({ ResourceProperties: again, OldResourceProperties: again })).body["Status"]).toBe(
      "SUCCESS",
    );
  });

  test("holds nothing up where the account does not say", async () => {
    accountNamespaces = undefined;
    expect((await call({ ResourceProperties: again, OldResourceProperties: NONE })).body["Status"]).toBe(
      "SUCCESS",
    );
  });
});

test("rights that are not there yet are waited for", async () => {
  cloudFormation.refuse = 1;
  expect((await call({ OldResourceProperties: OURS })).body["Status"]).toBe("SUCCESS");
});

test("an answer that was not taken is given again", async () => {
  cloudFormation.puts = 503;
  expect((await call({ OldResourceProperties: OURS })).body["Status"]).toBe("SUCCESS");
});
