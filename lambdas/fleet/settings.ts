import type { FleetSettings } from "./fleet-state.ts";
import { FleetError } from "./fleet-error.ts";

const MINUTE_MS = 60_000;

/** What the stack tells the function. */
export interface FleetEnvironment {
  readonly bucket: string;
  readonly topicArn: string;
  readonly stack: string;
  readonly settings: FleetSettings;
}

/** @throws FleetError NO_SETTING naming the variable */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): FleetEnvironment {
  const text = (name: string): string => {
    const value = variables[name] ?? "";
    if (value !== "") return value;
    throw new FleetError("NO_SETTING", `${name} is not set`, "deploy the stack again");
  };
  const minutes = (name: string): number => {
    const value = Number(text(name));
    if (value > 0) return value * MINUTE_MS;
    throw new FleetError("NO_SETTING", `${name} is no number of minutes`, "deploy the stack again");
  };
  return {
    bucket: text("WEIR_LAKE_BUCKET"),
    topicArn: text("WEIR_ALARM_TOPIC"),
    stack: text("WEIR_STACK"),
    settings: {
      silentMs: minutes("WEIR_SILENT_MINUTES"),
      stuckMs: minutes("WEIR_STUCK_MINUTES"),
      stoppedMs: variables["WEIR_STOPPED_MINUTES"] ? minutes("WEIR_STOPPED_MINUTES") : undefined,
      forgetMs: minutes("WEIR_FORGET_MINUTES"),
    },
  };
}
