import { readFile } from "node:fs/promises";
import * as z from "zod";
import { quantity } from "../../wire/quantity.ts";
import { absolutePath } from "./absolute-path.ts";
import { socketSettings } from "./socket-config.ts";
import { AgentError, systemReason } from "../agent-error.ts";
import { isExposed } from "./exposure.ts";

const MIB = 2 ** 20;
const secret = z
  .string()
  .min(1, { abort: true })
  .max(1_024)
  .refine((text) => text.trim() !== "", "must not be blank");

const tls = z.strictObject({
  cert_file: absolutePath.meta({ description: "certificate chain in PEM" }),
  key_file: absolutePath.meta({ description: "its private key in PEM" }),
  client_ca_file: absolutePath.optional().meta({
    description: "certificates in PEM that a client's must be signed by; without, clients need none",
  }),
});

/** `[forward]`: events from Fluentd, Fluent Bit, fluent-logger and Docker. */
export const forwardConfigSchema = z
  .strictObject({
    bind: z.string().min(1).default("127.0.0.1").meta({ description: "address to listen on" }),
    port: z
      .int()
      .min(0)
      .max(65_535)
      .optional()
      .meta({ description: "of TCP, and of UDP heartbeats if there are any; usually 24224; none if absent" }),
    insecure: z.boolean().default(false).meta({
      description:
        "true lets whoever reaches the port send: without it, an address beyond this host needs a shared key or TLS",
    }),
    udp_heartbeats: z
      .boolean()
      .default(false)
      .meta({
        description:
          "answer Fluentd's UDP heartbeats (heartbeat_type udp) on the port; who asks can be forged, so who might " +
          "answer the answer gets none, and nobody more than two a second",
      }),
    unix_path: absolutePath.max(107).optional().meta({ description: "a Unix socket to listen on" }),
    shared_key: secret
      .optional()
      .meta({ description: "what clients must prove to know; no handshake if absent" }),
    shared_key_file: absolutePath.optional().meta({ description: "a file that holds it, read at the start" }),
    users: z
      .array(z.strictObject({ username: z.string().min(1).max(255), password: secret }))
      .default([])
      .meta({ description: "who may send, beyond the shared key" }),
    tls: tls.optional().meta({ description: "of the TCP port; without, it is plain" }),
    max_connections: z
      .int()
      .min(1)
      .max(100_000)
      .default(1_000)
      .meta({ description: "the one that has been idle the longest makes room for a new one" }),
    max_connections_per_peer: z
      .int()
      .min(1)
      .max(100_000)
      .default(500)
      .meta({ description: "of one address; those of a Unix socket have none" }),
    ...socketSettings,
    max_message_bytes: quantity("bytes", 1_024, 2 ** 40)
      .default(1_024 * MIB)
      .meta({
        unit: "bytes",
        description:
          "a larger message, as it is sent, is refused and ends its connection; it is stored as it comes, so memory " +
          "does not limit it",
      }),
    max_inflated_bytes: quantity("bytes", 1_024, 2 ** 40)
      .default(64 * MIB)
      .meta({
        unit: "bytes",
        description:
          "a compressed message that unpacks to more, or becomes more bytes of lines, is refused, unless " +
          "`max_inflation_ratio` allows it",
      }),
    max_inflation_ratio: z
      .int()
      .min(1)
      .max(100_000)
      .default(100)
      .meta({ description: "times its own bytes that a message may unpack to, however much that is" }),
    max_message_events: z
      .int()
      .min(1)
      .max(2 ** 40)
      .default(1_000_000)
      .meta({
        description: "a message may hold this many, and one for every three bytes that are sent of it",
      }),
    max_pending_bytes: quantity("bytes", MIB, 4_096 * MIB)
      .default(128 * MIB)
      .meta({
        unit: "bytes",
        description:
          "of what is received and not on its way to the spool, and of decompression, on all connections together; " +
          "the one that exceeds it is ended",
      }),
    message_timeout_ms: quantity("ms", 100, 86_400_000).default(300_000).meta({
      unit: "ms",
      description:
        "a connection whose peer takes longer than this over a message, or over 1 MiB of one, is ended",
    }),
  })
  .refine(
    ({ port, unix_path }) => port !== undefined || unix_path !== undefined,
    "needs a port or a unix_path",
  )
  .refine((forward) => forward.insecure || !isExposed(forward), {
    path: ["bind"],
    message:
      'other hosts reach this address, and nothing is asked of them: write shared_key_file = "/etc/weir/forward.key", ' +
      'or tls, or bind = "127.0.0.1"; insecure = true lets everybody send',
  })
  .refine(({ shared_key, shared_key_file }) => shared_key === undefined || shared_key_file === undefined, {
    path: ["shared_key_file"],
    message: "is there beside shared_key; leave one of them out",
  })
  .refine(({ users, shared_key, shared_key_file }) => users.length === 0 || (shared_key ?? shared_key_file), {
    path: ["users"],
    message: "need a shared_key too: the handshake proves both",
  });

export type ForwardConfig = z.output<typeof forwardConfigSchema>;

/** @returns undefined when clients need not prove anything @throws AgentError CONFIG_UNREADABLE, KEY_EMPTY */
export async function readSharedKey(config: ForwardConfig): Promise<string | undefined> {
  if (config.shared_key_file === undefined) return config.shared_key;
  const key = (await readNamed(config.shared_key_file, "shared_key_file")).trim();
  if (key !== "") return key;
  const hint = "Put the shared key into it: with an empty one, whoever knows that could send.";
  throw new AgentError("KEY_EMPTY", config.shared_key_file, "holds no key", hint);
}

/** @throws AgentError CONFIG_UNREADABLE */
export async function readNamed(path: string, setting: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const hint = `The agent must be able to read the file that ${setting} names.`;
    throw new AgentError("CONFIG_UNREADABLE", path, systemReason(cause), hint, { cause });
  }
}
