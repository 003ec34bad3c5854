import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { CloudFormationCustomResourceEvent } from "aws-lambda";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { DATABASE, type Rig, startRig, WORKGROUP } from "../local/warehouse-fixture.ts";

const USER = "IAMR:Weir-loader-us-east-1";

const PROPERTIES = {
  ServiceToken: "arn:aws:lambda:us-east-1:000000000000:function:grants",
  ServiceTimeout: "600",
  Workgroup: WORKGROUP,
  Database: DATABASE,
  Secret: "redshift!weir-admin",
  User: USER,
  Tables: ["logs.access", "logs.photo"],
  Statements: "abc",
};

/** What CloudFormation got, as "Custom resource response objects" of its user guide have it, read 2026-11. */
interface Answer {
  readonly Status: "SUCCESS" | "FAILED";
  readonly Reason?: string;
  readonly PhysicalResourceId: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
}

let rig: Rig;
let cloudFormation: Server;
const answers: { readonly body: Answer; readonly type: string | undefined }[] = [];
/** Answers to refuse before one is taken. */
let refusals = 0;
let handler: (
  event: CloudFormationCustomResourceEvent,
  context: { getRemainingTimeInMillis(): number },
) => Promise<void>;

beforeAll(async () => {
  rig = await startRig({ user: "IAMR:nobody" });
  cloudFormation = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => cloudFormation.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
  vi.stubEnv("AWS_ENDPOINT_URL_REDSHIFT_DATA", rig.warehouse.endpoint);
  ({ handler } = await import("../../lambdas/grants/handler.ts"));
});
afterAll(async () => {
  vi.unstubAllEnvs();
  cloudFormation?.close();
  await rig?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  answers.length = 0;
  refusals = 0;
  await rig.warehouse.query("DROP SCHEMA IF EXISTS weir CASCADE; DROP SCHEMA IF EXISTS logs CASCADE");
});
afterEach(() => vi.restoreAllMocks());

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = JSON.parse(await text(request)) as Answer;
  const refuses = refusals-- > 0;
  if (!refuses) answers.push({ body, type: request.headers["content-type"] });
  response.writeHead(refuses ? 503 : 200).end();
}

/** @param more `PhysicalResourceId` and `OldResourceProperties`, as the kind of request has them */
async function send(
  RequestType: "Create" | "Update" | "Delete",
  properties: object = PROPERTIES,
  more: object = {},
  remainingMs = 120_000,
): Promise<Answer> {
  const { port } = cloudFormation.address() as AddressInfo;
  const event = {
    RequestType,
    ServiceToken: PROPERTIES.ServiceToken,
    ResponseURL: `http://127.0.0.1:${port}/answer?X-Amz-Signature=signature`,
    StackId: "arn:aws:cloudformation:us-east-1:000000000000:stack/Weir/5f1b88ea",
    RequestId: "b2c1",
    LogicalResourceId: "Grants",
    ResourceType: "Custom::WeirLoaderGrants",
    ResourceProperties: properties,
    ...(RequestType === "Create" ? {} : { PhysicalResourceId: `grants:${USER}` }),
    ...more,
  };
  await handler(event as unknown as CloudFormationCustomResourceEvent, {
    getRemainingTimeInMillis: () => remainingMs,
  });
  expect(answers).toHaveLength(1);
  return answers[0]!.body;
}

const owners = (): Promise<object[]> =>
  rig.warehouse.query(
    "SELECT nspname, nspowner::regrole::text AS owner FROM pg_namespace WHERE nspname IN ('weir', 'logs') ORDER BY 1",
  );
const GRANTED = ["logs", "weir"].map((nspname) => ({ nspname, owner: `"${USER}"` }));

describe("making the resource", () => {
  test("grants, and answers what CloudFormation asks for, without a content type", async () => {
    expect(await send("Create")).toEqual({
      Status: "SUCCESS",
      PhysicalResourceId: `grants:${USER}`,
      StackId: "arn:aws:cloudformation:us-east-1:000000000000:stack/Weir/5f1b88ea",
      RequestId: "b2c1",
      LogicalResourceId: "Grants",
    });
    expect(answers[0]!.type ?? "").toBe("");
    expect(await owners()).toEqual(GRANTED);
  });

  test("fails with the warehouse's words and the way by hand, and never shows the address to answer to", async () => {
    const written = vi.spyOn(process.stderr, "write");
    const logged = [vi.spyOn(console, "error"), vi.spyOn(console, "info"), vi.spyOn(console, "warn")];
    const answer = await send("Create", { ...PROPERTIES, Database: "elsewhere" }, {}, 23_000);
    expect(answer.Status).toBe("FAILED");
    expect(answer.Reason).toMatch(/database "elsewhere" does not exist/);
    expect(answer.Reason).toContain("`weir warehouse grants`");
    expect(JSON.stringify([written.mock.calls, ...logged.map(({ mock }) => mock.calls)])).not.toContain(
      "Signature",
    );
  });

  test("says which property is wrong", async () => {
    const { Tables: _, ...others } = PROPERTIES;
    expect(await send("Create", others)).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringContaining("Tables: ") as unknown,
    });
  });

  test("answers again when the answer does not get through", async () => {
    refusals = 2;
    expect((await send("Create")).Status).toBe("SUCCESS");
  });
});

describe("changing it", () => {
  test("grants a schema that is new", async () => {
    await send("Create");
    answers.length = 0;
    await rig.warehouse.query("DROP SCHEMA IF EXISTS more CASCADE");
    const more = { ...PROPERTIES, Tables: [...PROPERTIES.Tables, "more.user"] };
    expect((await send("Update", more, { OldResourceProperties: PROPERTIES })).Status).toBe("SUCCESS");
    expect(await rig.warehouse.query("SELECT 1 FROM pg_namespace WHERE nspname = 'more'")).toHaveLength(1);
    await rig.warehouse.query("DROP SCHEMA more CASCADE");
  });

  test("back, as a deployment that fails does, needs no warehouse", async () => {
    const calls = vi.spyOn(rig.warehouse, "query");
    const before = { ...PROPERTIES, Tables: [...PROPERTIES.Tables, "more.user"] };
    expect((await send("Update", PROPERTIES, { OldResourceProperties: before })).Status).toBe("SUCCESS");
    expect(calls).not.toHaveBeenCalled();
    expect(await owners()).toEqual([]);
  });

  test.each(["User", "Database", "Workgroup", "Secret", "Statements"])(
    "to another %s is no such thing",
    async (name) => {
      const old = { ...PROPERTIES, [name]: "other" };
      expect((await send("Update", PROPERTIES, { OldResourceProperties: old })).Status).toBe("SUCCESS");
      expect(await owners()).toEqual(GRANTED);
    },
  );
});

test("removing it, even one that could not be made, leaves the database as it is", async () => {
  await send("Create");
  answers.length = 0;
  const answer = await send("Delete", { ServiceToken: "x" }, { PhysicalResourceId: "never-made" });
  expect(answer).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: "never-made" });
  expect(await owners()).toEqual(GRANTED);
});
