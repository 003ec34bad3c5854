import type { IncomingMessage } from "node:http";

/** Why a request is not answered. */
export interface Turned {
  readonly status: number;
  readonly text: string;
}

/** Names of this machine for itself, with whatever port leads here. */
const OWN_HOST = /^(127\.0\.0\.1|localhost)(:\d+)?$/;

/**
 * Keeps other sites that are open in the same browser away from the run: a name that somebody else resolves to
 * 127.0.0.1 (Host), a page of theirs that asks for data or sends a form (Origin, and Sec-Fetch-Site, which comes where
 * no Origin does).
 *
 * @param isPage the page itself, to which a link of another site may lead
 */
export function turnAway({ headers }: IncomingMessage, isPage: boolean): Turned | undefined {
  const { host = "", origin } = headers;
  if (!OWN_HOST.test(host)) return { status: 421, text: "not this host" };
  if (origin !== undefined && origin !== `http://${host}`) return { status: 403, text: "not this origin" };
  const site = headers["sec-fetch-site"] ?? "none";
  if (!isPage && site !== "same-origin" && site !== "none") return { status: 403, text: "not this origin" };
  return undefined;
}
