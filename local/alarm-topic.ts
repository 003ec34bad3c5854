import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { readBody } from "./lambda/body.ts";

/** What was published. */
export interface Alarm {
  readonly topicArn: string;
  readonly subject: string;
  readonly message: string;
}

/** Of a message in all. Amazon SNS endpoints and quotas, read 2026-11 */
const MESSAGE_MAX_BYTES = 256 * 2 ** 10;
/** A form writes a byte with three characters at most. */
const BODY_MAX_BYTES = 4 * MESSAGE_MAX_BYTES;
/** Less than 100 characters of ASCII, no control characters, none of them first a space. Publish reference, read 2026-11 */
const SUBJECT = /^[\x21-\x7e][\x20-\x7e]{0,98}$/;
const TOPIC = /^arn:aws:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}$/;

/**
 * SNS on this machine, as far as Publish goes: it refuses what SNS refuses, and hands on the rest.
 * source: SNS API reference, Query protocol, read 2026-11
 */
export async function startAlarmTopic(
  onAlarm: (alarm: Alarm) => void,
): Promise<{ readonly endpoint: string; stop(): void }> {
  const server = createServer((request, response) => void publish(request, response, onAlarm));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function publish(
  request: IncomingMessage,
  response: ServerResponse,
  onAlarm: (alarm: Alarm) => void,
): Promise<void> {
  const body = await readBody(request, BODY_MAX_BYTES).catch(() => undefined);
  const form = new URLSearchParams(body);
  const alarm = {
    topicArn: form.get("TopicArn") ?? "",
    subject: form.get("Subject") ?? "",
    message: form.get("Message") ?? "",
  };
  const refused = refusal(form.get("Action"), alarm, form.has("Subject"));
  if (refused !== undefined) return answer(response, 400, error(...refused));
  onAlarm(alarm);
  const id = randomUUID();
  answer(
    response,
    200,
    `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>${id}</MessageId>` +
      `</PublishResult><ResponseMetadata><RequestId>${id}</RequestId></ResponseMetadata></PublishResponse>`,
  );
}

function refusal(
  action: string | null,
  { topicArn, subject, message }: Alarm,
  hasSubject: boolean,
): readonly [code: string, message: string] | undefined {
  if (action !== "Publish") return ["InvalidAction", "only Publish is known here"];
  if (!TOPIC.test(topicArn)) return ["InvalidParameter", "Invalid parameter: TopicArn"];
  if (hasSubject && !SUBJECT.test(subject)) return ["InvalidParameter", "Invalid parameter: Subject"];
  if (message === "") return ["InvalidParameter", "Invalid parameter: Empty message"];
  const isTooLong = Buffer.byteLength(message) + Buffer.byteLength(subject) > MESSAGE_MAX_BYTES;
  return isTooLong ? ["InvalidParameter", "Invalid parameter: Message too long"] : undefined;
}

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/xml" }).end(body);
}

const error = (code: string, message: string): string =>
  `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>${code}</Code>` +
  `<Message>${message}</Message></Error><RequestId>${randomUUID()}</RequestId></ErrorResponse>`;
