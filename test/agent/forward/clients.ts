import { type EventModes, EventTime, FluentClient } from "@fluent-org/logger";
import fluentLogger from "fluent-logger";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { EVENT_MS } from "../../time-limits.ts";

/** A library that applications send by. */
export interface LogClient extends Disposable {
  /** @returns once it is acknowledged, where acknowledgements are asked for, and otherwise once it is sent */
  emit(label: string, record: object, seconds: number, nanoseconds: number): Promise<void>;
}

export interface ClientOptions {
  readonly mode: string;
  readonly asksForAck: boolean;
  readonly ackTimeoutMs?: number;
  /** A port, or the path of a Unix socket. */
  readonly to: { readonly port: number } | { readonly path: string };
  readonly security?: {
    clientHostname: string;
    sharedKey: string;
    username: string;
    password: string;
  };
  readonly tls?: ConnectionOptions;
}

const RECONNECT_MS = 20;

interface Handshaking {
  readonly _status: string | null;
  readonly _socket: Socket | null;
  _connect: () => void;
}

type OldEventTime = new (seconds: number, nanoseconds: number) => never;

/** npm's `fluent-logger`. A message that failed is given up. */
export function oldClient(
  tag: string,
  { mode, asksForAck, ackTimeoutMs = EVENT_MS, to, security, tls }: ClientOptions,
): LogClient {
  const sender = fluentLogger.createFluentSender(tag, {
    ...to,
    ...("port" in to ? { host: "127.0.0.1" } : {}),
    eventMode: mode,
    requireAckResponse: asksForAck,
    ackResponseTimeout: ackTimeoutMs,
    timeout: EVENT_MS,
    reconnectInterval: RECONNECT_MS,
    internalLogger: { info: () => {}, error: () => {} },
    ...(security ? { security } : {}),
    ...(tls ? { tls: true, tlsOptions: tls } : {}),
  });
  // Without a listener an error would end the process.
  (sender as unknown as NodeJS.EventEmitter).on("error", () => {});
  const Time = fluentLogger.EventTime as unknown as OldEventTime;
  return {
    emit: (label, record, seconds, nanoseconds) =>
      new Promise((resolve, reject) => {
        const done = (error?: Error) => (error ? reject(error) : resolve());
        sender.emit(label, record, new Time(seconds, nanoseconds), done);
      }),
    [Symbol.dispose]: () => {
      const handshaking = sender as unknown as Handshaking;
      if (handshaking._status === "established") return sender.end("", undefined, () => {});
      // It throws at what it is answered, or has written, after its end while it shakes hands.
      handshaking._connect = () => {};
      handshaking._socket?.destroy();
    },
  };
}

/** npm's `@fluent-org/logger`. It tries again what failed. */
export function newClient(
  tag: string,
  { mode, asksForAck, ackTimeoutMs = EVENT_MS, to, security, tls }: ClientOptions,
): LogClient {
  const client = new FluentClient(tag, {
    eventMode: mode as EventModes,
    socket: {
      ...to,
      ...("port" in to ? { host: "127.0.0.1" } : {}),
      timeout: -1,
      reconnect: { delay: RECONNECT_MS, maxDelay: RECONNECT_MS },
      ...(tls ? { tls } : {}),
    },
    eventRetry: { attempts: Infinity, delay: RECONNECT_MS, maxDelay: RECONNECT_MS },
    ...(asksForAck ? { ack: { ackTimeout: ackTimeoutMs } } : {}),
    ...(security ? { security } : {}),
  });
  client.socketOn("error" as never, () => {});
  return {
    emit: (label, record, seconds, nanoseconds) =>
      client.emit(label, record as Record<string, unknown>, new EventTime(seconds, nanoseconds)),
    [Symbol.dispose]: () => void client.shutdown(),
  };
}
