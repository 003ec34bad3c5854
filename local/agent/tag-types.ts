import { globMatcher } from "../../lambdas/router/log-types.ts";
import { type LogType, UNROUTED_TYPE } from "../../wire/log-type.ts";

/** Name of the log type that a tag goes to. */
export type TypeOf = (tag: string) => string;

/** Tells types by tags as the router does; what no type takes is `_unrouted`. */
export function typeOfTag(types: readonly LogType[]): TypeOf {
  const routes = types.flatMap(({ name, match }) =>
    (match?.tags ?? [name]).map((glob) => ({ takes: globMatcher(glob), name })),
  );
  return (tag) => routes.find(({ takes }) => takes(tag))?.name ?? UNROUTED_TYPE;
}

/** What a type takes, for people: `access: access, nginx.*`. */
export function tagsText(types: readonly LogType[]): string {
  return types.map(({ name, match }) => `${(match?.tags ?? [name]).join(", ")} (${name})`).join("; ");
}

/** Tells each tag that no type takes once, as it comes. */
export class UnroutedTags {
  readonly #typeOf: TypeOf;
  readonly #configFile: string;
  readonly #say: (line: string) => void;
  readonly #told = new Set<string>();

  constructor(typeOf: TypeOf, configFile: string, say: (line: string) => void) {
    this.#typeOf = typeOf;
    this.#configFile = configFile;
    this.#say = say;
  }

  see(tags: Iterable<string>): void {
    for (const tag of tags) {
      if (this.#typeOf(tag) !== UNROUTED_TYPE || this.#told.has(tag) || this.#told.size >= TOLD_MAX) continue;
      this.#told.add(tag);
      this.#say(
        `tag ${tag} has no type: its lines are kept as rejected/type=${UNROUTED_TYPE}, and are no rows ` +
          `(a type takes it with match: { tags: ["${tag}"] } in ${this.#configFile})`,
      );
    }
  }
}

/** Tags may be made by senders, one for each container. */
const TOLD_MAX = 50;
