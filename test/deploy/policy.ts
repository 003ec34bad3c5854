/** A question that a service asked IAM: may this caller do this to that. */
export interface Call {
  readonly principal: string;
  /** `s3:PutObject` */
  readonly action: string;
  readonly resource: string;
  /** Condition keys that the request has a value for. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly allowed: boolean;
}

export interface PolicyStatement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface PolicyDocument {
  readonly Statement: PolicyStatement | readonly PolicyStatement[];
}

type Question = Pick<Call, "action" | "resource" | "context">;

const list = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];

export const statementsOf = (policies: readonly PolicyDocument[]): readonly PolicyStatement[] =>
  policies.flatMap(({ Statement }) => list(Statement));

export const actionsOf = (policies: readonly PolicyDocument[]): readonly string[] =>
  statementsOf(policies)
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Action }) => list(Action));

/**
 * IAM's evaluation of identity policies, written down a second time: MiniStack's may have the same
 * misunderstandings as the policies it lets pass.
 * source: "Policy evaluation logic" and "IAM JSON policy elements", IAM User Guide, read 2026-11
 */
export function allows(policies: readonly PolicyDocument[], question: Question): boolean {
  const matching = statementsOf(policies).filter((statement) => matches(statement, question));
  return matching.length > 0 && matching.every(({ Effect }) => Effect === "Allow");
}

function matches({ Action, Resource, Condition = {} }: PolicyStatement, question: Question): boolean {
  return (
    list(Action).some((pattern) => like(pattern.toLowerCase(), question.action.toLowerCase())) &&
    list(Resource).some((pattern) => like(pattern, question.resource)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, expected]) => holds(operator, key, list(expected), question.context)),
    )
  );
}

function holds(
  operator: string,
  key: string,
  expected: readonly string[],
  context: Question["context"],
): boolean {
  const actual = valueOf(key, context);
  if (actual === undefined) return operator.endsWith("IfExists");
  const wanted = expected.map((value) =>
    value.replace(/\$\{(aws:\w+)\}/g, (_, variable: string) => valueOf(variable, context) ?? ""),
  );
  switch (operator.replace(/IfExists$/, "")) {
    case "StringEquals":
      return wanted.includes(actual);
    case "StringLike":
    case "ArnLike":
    case "ArnEquals":
      return wanted.some((pattern) => like(pattern, actual));
    default:
      throw new Error(`the test knows no ${operator}: write down what it means`);
  }
}

/** The value of a condition key; keys know no case. */
function valueOf(key: string, context: Question["context"]): string | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
  return typeof found === "string" ? found : undefined;
}

/** IAM's wildcards: `*` for any text, `?` for any character. */
function like(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("*", "[^]*")
    .replaceAll("?", "[^]");
  return new RegExp(`^${expression}$`).test(text);
}
