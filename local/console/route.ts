import type { ServerResponse } from "node:http";

/** What a page asks, once it is known that it may. */
export interface Asked {
  readonly query: URLSearchParams;
  /** "" for GET. */
  readonly body: string;
  /** Aborts when the page goes away, or has waited as long as it does. */
  readonly signal: AbortSignal;
}

export interface Answer {
  /** 200 when absent. */
  readonly status?: number;
  readonly contentType: string;
  /** Whole, or written as it comes, after the head. */
  readonly body: string | Buffer | ((response: ServerResponse) => void);
  readonly headers?: Readonly<Record<string, string>>;
}

/** One thing that the page can ask for. Whatever it answers is bounded, and has no secrets in it. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** Bound of a POST's body; a larger one is refused before it is asked. */
  readonly maxBodyBytes?: number;
  /** @throws RouteRefusal, which the page is told; any other error is told as a failure */
  readonly answer: (asked: Asked) => Answer | Promise<Answer>;
}

/** A question that has no answer, and why: the page shows `message`. */
export class RouteRefusal extends Error {
  override name = "RouteRefusal";
  readonly status: number;

  constructor(status: 400 | 404 | 409 | 413 | 415 | 503, message: string) {
    super(message);
    this.status = status;
  }
}

export function json(value: unknown): Answer {
  return { contentType: "application/json", body: JSON.stringify(value) };
}

/** A parameter that must be there. @throws RouteRefusal */
export function parameter(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value === null || value === "") throw new RouteRefusal(400, `${name} is missing`);
  return value;
}
