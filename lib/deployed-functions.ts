import { Duration, Stack } from "aws-cdk-lib";
import { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { Tick } from "./tick.ts";

export interface DeployedFunction {
  /** Names of the constructs that it stands in: `LoaderGrants` of Loader/Grants/Handler/Function. */
  readonly name: string;
  readonly function: LambdaFunction;
  readonly timeout: Duration;
  /** What invokes it at a fixed rate, where something does. */
  readonly tick: Tick | undefined;
}

/** Lambda's own, for a function that names none. */
const DEFAULT_TIMEOUT = Duration.seconds(3);

/** Every function of the stack so far: ask once all of them are made. */
export function deployedFunctions(scope: Construct): DeployedFunction[] {
  const stack = Stack.of(scope);
  const constructs = stack.node.findAll();
  const ticks = constructs.filter((construct) => construct instanceof Tick);
  return constructs
    .filter((construct) => construct instanceof LambdaFunction)
    .map((made) => ({
      name: made.node.scopes
        .slice(stack.node.scopes.length)
        .map(({ node }) => node.id)
        .filter((id) => id !== "Handler" && id !== "Function")
        .join(""),
      function: made,
      timeout: made.timeout ?? DEFAULT_TIMEOUT,
      tick: ticks.find(({ target }) => target === made),
    }));
}
