import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import { readBody } from "../lambda/body.ts";
import { turnAway } from "./gate.ts";
import { type Route, RouteRefusal } from "./route.ts";

/** A part that stands still must not keep the page waiting: it says so. */
const ANSWER_WITHIN_MS = 15_000;

/** The page is its own files and nothing else: no inline code, no other origin. */
const SECURITY_HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Everything that is answered, by path. */
export type RoutesByPath = ReadonlyMap<string, readonly Route[]>;

/** Answers one request, or says why not. */
export async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  routes: RoutesByPath,
): Promise<void> {
  const refuse = (status: number, text: string, headers: OutgoingHttpHeaders = {}): void => {
    // It broke while it was being sent.
    if (response.headersSent) return void response.destroy();
    request.resume();
    const head = { ...SECURITY_HEADERS, "Content-Type": "text/plain; charset=utf-8", ...headers };
    response.writeHead(status, head).end(`${text}\n`);
  };
  const [path = "", search] = request.url!.split("?", 2);
  const turned = turnAway(request, path === "/");
  if (turned) return refuse(turned.status, turned.text);
  const known = routes.get(path);
  if (!known) return refuse(404, "no such page");
  const route = known.find(({ method }) => method === request.method);
  if (!route) {
    const allowed = known.map(({ method }) => method).join(", ");
    return refuse(405, `only ${allowed}`, { Allow: allowed });
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const patience = AbortSignal.timeout(ANSWER_WITHIN_MS);
  try {
    const body = await bodyOf(request, route);
    const query = new URLSearchParams(search);
    const asked = { query, body, signal: AbortSignal.any([gone.signal, patience]) };
    const { status = 200, contentType, headers, body: sent } = await route.answer(asked);
    const head = {
      ...SECURITY_HEADERS,
      "Content-Type": contentType,
      "Cache-Control": "no-cache",
      ...headers,
    };
    response.writeHead(status, head);
    if (typeof sent === "function") sent(response);
    else response.end(sent);
  } catch (error) {
    if (error instanceof RouteRefusal) refuse(error.status, error.message);
    else if (patience.aborted) refuse(504, `no answer within ${ANSWER_WITHIN_MS / 1_000} s`);
    else refuse(500, (error as Error).message);
  }
}

/** @throws RouteRefusal */
async function bodyOf(request: IncomingMessage, { method, maxBodyBytes = 0 }: Route): Promise<string> {
  if (method === "GET") return "";
  // A form of another site cannot say so, in a browser that sends no Origin.
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
    throw new RouteRefusal(415, "only application/json");
  const body = await readBody(request, maxBodyBytes);
  if (body === undefined) throw new RouteRefusal(413, `more than ${maxBodyBytes} bytes`);
  return body;
}

/** @throws Error where two routes are for one method and path */
export function byPath(routes: readonly Route[]): RoutesByPath {
  const byPath = new Map<string, Route[]>();
  for (const route of routes) {
    const known = byPath.get(route.path) ?? [];
    if (known.some(({ method }) => method === route.method))
      throw new Error(`two routes for ${route.method} ${route.path}`);
    byPath.set(route.path, [...known, route]);
  }
  return byPath;
}
