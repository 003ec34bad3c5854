import { createHash, timingSafeEqual } from "node:crypto";
import { AgentError } from "../agent-error.ts";
import { readNamed } from "../config/forward-config.ts";
import type { MonitorConfig } from "../config/monitor-config.ts";

/** @returns undefined where anybody may ask @throws AgentError CONFIG_UNREADABLE */
export async function readToken({
  token_file,
}: Pick<MonitorConfig, "token_file">): Promise<string | undefined> {
  if (token_file === undefined) return undefined;
  const token = (await readNamed(token_file, "monitor.token_file")).trim();
  if (token !== "") return token;
  const hint = "Put a long random word into it, or leave monitor.token_file out.";
  throw new AgentError("CONFIG_UNREADABLE", token_file, "it holds no token", hint);
}

/** @param authorization the header: a bearer token, or a password as browsers ask for it */
export function bearsToken(authorization: string | undefined, token: string): boolean {
  const [scheme = "", credentials = ""] = (authorization ?? "").split(" ", 2);
  const given = scheme.toLowerCase() === "basic" ? passwordOf(credentials) : credentials;
  return timingSafeEqual(digest(given), digest(token));
}

function passwordOf(credentials: string): string {
  const text = Buffer.from(credentials, "base64").toString();
  return text.slice(text.indexOf(":") + 1);
}

/** Gives both the same length, which is all that the comparison may tell. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
