import type { MappingSettings } from "../mapping/settings.ts";
import type { MappingState } from "../mapping/mapping-switch.ts";

/**
 * GET /2015-03-31/event-source-mappings/<uuid>
 * PUT /2015-03-31/event-source-mappings/<uuid>    { "Enabled": true or false }
 *
 * source: Lambda API reference, GetEventSourceMapping and UpdateEventSourceMapping, read 2026-11
 */
const PATH = /^\/2015-03-31\/event-source-mappings\/([^/?]+)\/?(?:\?.*)?$/;

/** What a mapping is to somebody who stops and starts it. */
export interface SwitchedMapping {
  readonly uuid: string;
  readonly streamArn: string;
  readonly functionArn: string;
  readonly settings: MappingSettings;
  readonly state: MappingState;
  enable(on: boolean): void;
}

/** An answer of the service, or the name of its refusal. */
export type MappingAnswer =
  | { readonly ok: true; readonly body: object; readonly accepted: boolean }
  | { readonly ok: false; readonly type: string; readonly message: string };

/** The id that a path names; undefined for a path of anything else. */
export function mappingId(url: string): string | undefined {
  const id = PATH.exec(url)?.[1];
  return id === undefined ? undefined : decodeURIComponent(id);
}

/** @param request the body of a PUT; undefined for a GET */
export function answerMapping(mapping: SwitchedMapping, request: string | undefined): MappingAnswer {
  if (request === undefined) return { ok: true, body: described(mapping, mapping.state), accepted: false };
  const enabled = enabledOf(request);
  if (enabled === undefined) {
    const message = "the laptop cloud changes Enabled, and nothing else";
    return { ok: false, type: "InvalidParameterValueException", message };
  }
  const { state } = mapping;
  if (state === "Enabling" || state === "Disabling") {
    const message = `Cannot update the event source mapping ${mapping.uuid} because it is in use.`;
    return { ok: false, type: "ResourceInUseException", message };
  }
  mapping.enable(enabled);
  return { ok: true, body: described(mapping, mapping.state), accepted: true };
}

function described(mapping: SwitchedMapping, state: MappingState): object {
  const { uuid, streamArn, functionArn, settings } = mapping;
  return {
    UUID: uuid,
    EventSourceArn: streamArn,
    FunctionArn: functionArn,
    State: state,
    StateTransitionReason: "User action",
    StartingPosition: settings.startingPosition,
    BatchSize: settings.batchSize,
    MaximumBatchingWindowInSeconds: settings.windowSeconds,
    ParallelizationFactor: 1,
    BisectBatchOnFunctionError: settings.bisect,
    MaximumRetryAttempts: settings.retryAttempts,
    MaximumRecordAgeInSeconds: settings.maxRecordAgeSeconds,
    FunctionResponseTypes: settings.reportBatchItemFailures ? ["ReportBatchItemFailures"] : [],
  };
}

function enabledOf(request: string): boolean | undefined {
  try {
    const { Enabled, ...others } = JSON.parse(request) as { Enabled?: unknown };
    return typeof Enabled === "boolean" && Object.keys(others).length === 0 ? Enabled : undefined;
  } catch {
    return undefined;
  }
}
