import { globMatcher } from "../../lambdas/router/log-types.ts";
import { HEARTBEAT_TYPE } from "../../wire/log-type.ts";
import { Pattern } from "../../wire/pattern/pattern.ts";
import { AccessError } from "../access/access-error.ts";
import type { SeenEvent } from "./seen-event.ts";

/** What is asked for; of each kind that is given, one has to be right. */
export interface Wanted {
  readonly types?: readonly string[];
  /** `*` stands for any characters, as in tags of log types. */
  readonly tags?: readonly string[];
  readonly hosts?: readonly string[];
  readonly grep?: Pattern;
}

/** Which events are shown. Heartbeats of agents are, where they are asked for by tag or type. */
export class EventFilter {
  readonly #types: ReadonlySet<string> | undefined;
  readonly #tags: ((tag: string) => boolean) | undefined;
  readonly #hosts: ((host: string) => boolean) | undefined;
  readonly #grep: Pattern | undefined;
  readonly #wantsHeartbeats: boolean;

  constructor({ types, tags, hosts, grep }: Wanted) {
    this.#types = types && new Set(types);
    this.#tags = tags && anyOf(tags);
    this.#hosts = hosts && anyOf(hosts);
    this.#grep = grep;
    this.#wantsHeartbeats = (types ?? tags ?? []).includes(HEARTBEAT_TYPE);
  }

  /** A heartbeat that is left out only because it is one. */
  isSilent(seen: SeenEvent): boolean {
    return !this.#wantsHeartbeats && seen.tag === HEARTBEAT_TYPE && seen.event.position !== undefined;
  }

  wants({ tag, type, event }: SeenEvent): boolean {
    if (this.#types && !(type !== undefined && this.#types.has(type))) return false;
    if (this.#tags && !this.#tags(tag)) return false;
    const host = event.position?.source.host;
    if (this.#hosts && !(host !== undefined && this.#hosts(host))) return false;
    return this.#grep === undefined || this.#grep.test(latin1(event.record.data));
  }
}

/**
 * A pattern that is looked for in bytes, one character each, so that a line which is not UTF-8 is found like any other. Its
 * time is linear in the line, whatever it is.
 *
 * @param option that it was given with
 * @throws AccessError BAD_REQUEST
 */
export function patternOf(option: string, source: string): Pattern {
  try {
    return new Pattern(Buffer.from(source, "utf8").toString("latin1"), { alphabet: "bytes" });
  } catch (cause) {
    const hint = "Patterns are JavaScript's, without lookaheads and backreferences: they run in linear time.";
    throw new AccessError("BAD_REQUEST", `${option}: ${(cause as Error).message}`, hint, { cause });
  }
}

const latin1 = (data: Uint8Array): string =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("latin1");

function anyOf(globs: readonly string[]): (text: string) => boolean {
  const matchers = globs.map(globMatcher);
  return (text) => matchers.some((matches) => matches(text));
}
