import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { accessLines } from "./sample-lines.ts";

/**
 * A client of the forward protocol that asks for acknowledgements, in a process of its own.
 *
 *     node forward-client.ts <unix path> <megabytes>
 *
 * Sends PackedForward messages of 1,000 records as Docker's driver makes them, a few at a time without
 * their acknowledgements. Prints how many bytes of lines they are due to become, and in what time.
 */
const RECORDS = 1_000;
/** Messages that wait for their acknowledgement. */
const UNDERWAY = 8;
/** Of different content, sent again and again. */
const MESSAGES = 64;
const EVENT_TIME = Buffer.from("d70065531a0000000000", "hex");
const LINE_TIME = "2023-11-14T06:56:00Z";

const [path = "", megabytes] = process.argv.slice(2);
const messages = makeMessages();
const socket = connect(path);
for (;;) {
  if (await Promise.race([once(socket, "connect").then(() => true), once(socket, "close").then(() => false)]))
    break;
  await sleep(20);
}

export interface ClientFigures {
  readonly bytes: number;
  readonly seconds: number;
}

const figures = await send(Number(megabytes) * 1e6);
socket.destroy();
process.stdout.write(`${JSON.stringify(figures)}\n`);

/** All acknowledgements are of one size: they are counted, not read. */
async function send(maxBytes: number): Promise<ClientFigures> {
  const startedAt = performance.now();
  let [sent, bytes, acked] = [0, 0, 0];
  socket.on("data", (chunk: Buffer) => (acked += chunk.length));
  const acknowledged = () => acked / ackBytes(messages[0]!.chunk);
  while (bytes < maxBytes || acknowledged() < sent) {
    if (bytes < maxBytes && sent - acknowledged() < UNDERWAY) {
      const message = messages[sent++ % MESSAGES]!;
      bytes += message.lineBytes;
      if (!socket.write(message.data)) await once(socket, "drain");
    } else await once(socket, "data");
  }
  return { bytes, seconds: (performance.now() - startedAt) / 1_000 };
}

function makeMessages() {
  const lines = accessLines();
  return Array.from({ length: MESSAGES }, (_, n) => {
    const entries: Buffer[] = [];
    let lineBytes = 0;
    for (let i = 0; i < RECORDS; i++) {
      const record = {
        container_id: "8e3f0a5d9c4b7e612f",
        container_name: "/web",
        source: "stdout",
        log: lines.next().value as string,
      };
      lineBytes += JSON.stringify({ time: LINE_TIME, ...record }).length + 1;
      entries.push(Buffer.of(0x92), EVENT_TIME, map(record));
    }
    const chunk = `chunk-${`${n}`.padStart(8, "0")}`;
    const data = Buffer.concat([
      Buffer.of(0x93),
      text("docker.web"),
      bin(Buffer.concat(entries)),
      map({ chunk }),
    ]);
    return { data, chunk, lineBytes };
  });
}

/** MessagePack, as far as it is needed. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(0xd9, value.length), Buffer.from(value)]);
}

function bin(bytes: Buffer): Buffer {
  const head = Buffer.of(0xc6, 0, 0, 0, 0);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function map(value: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(value);
  return Buffer.concat([Buffer.of(0x80 | entries.length), ...entries.flat().map(text)]);
}

/** `{ack: chunk}`, the chunk in the form in which it was sent. */
function ackBytes(chunk: string): number {
  return 1 + 4 + text(chunk).length;
}
