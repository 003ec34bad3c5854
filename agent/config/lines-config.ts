import { isAbsolute } from "node:path";
import * as z from "zod";
import { socketSettings } from "./socket-config.ts";

const tag = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "letters, digits, '.', '_' and '-', at most 128")
  .meta({ description: "log tag, and so the partition key, of every line" });

/** `[stdin]`: lines from standard input. */
export const stdinConfigSchema = z.strictObject({ tag });

/** `[[line_sockets]]`: lines from whoever connects to a Unix socket. */
export const lineSocketConfigSchema = z.strictObject({
  tag,
  path: z
    .string()
    .max(107)
    .refine(isAbsolute, "must be an absolute path")
    .meta({ description: "of the socket; who may write to it may send" }),
  ...socketSettings,
  max_connections: z.int().min(1).max(10_000).default(100),
});

export type LineSocketConfig = z.output<typeof lineSocketConfigSchema>;
