import type { ReparsedObject } from "../../../wire/router-command.ts";
import { AccessError } from "../../access/access-error.ts";
import type { FileAnew } from "./reparse-router.ts";

/** A bar that moves, and what is lost when an invocation ends with an error, speak for few. */
const OBJECTS_AT_ONCE = 40;
/** The mapping's batches need the account's concurrency more. */
const INVOCATIONS_AT_ONCE = 3;

export interface FiledObjects {
  readonly objects: readonly ReparsedObject[];
  /** Why it was not gone on with. */
  readonly stopped?: string;
}

/**
 * Has all of these filed anew, some at a time. Where the router's function itself fails, its objects are tried one by one,
 * so that one which it fails on is named; where it never did anything else, that is all that there is to be said.
 *
 * @throws AccessError where it fails from the beginning
 */
export async function fileObjects(
  keys: readonly string[],
  fileAnew: FileAnew,
  { dryRun, onObjects }: { readonly dryRun: boolean; readonly onObjects?: (done: number) => void },
): Promise<FiledObjects> {
  const objects: ReparsedObject[] = [];
  const waiting: (readonly string[])[] = chunks(keys);
  const failures: Error[] = [];
  const one = async (some: readonly string[]): Promise<void> => {
    try {
      const { objects: done, left } = await fileAnew(some, dryRun);
      if (done.length === 0) throw new AccessError("REFUSED", "the router did nothing, and said so");
      objects.push(...done);
      if (left.length > 0) waiting.unshift(left);
    } catch (error) {
      if (!(error instanceof AccessError) || error.code !== "FUNCTION_FAILED") throw error;
      const [key] = some;
      if (some.length > 1) waiting.unshift(...some.map((key) => [key]));
      else if (objects.length === 0) throw error;
      else objects.push({ key: key!, outcome: "left", error: error.message });
    }
    onObjects?.(objects.length);
  };
  const worker = async (): Promise<void> => {
    for (let some = waiting.shift(); some && failures.length === 0; some = waiting.shift()) {
      try {
        await one(some);
      } catch (error) {
        failures.push(error as Error);
      }
    }
  };
  // The first alone: what fails for all of them fails once.
  const first = waiting.shift();
  if (first) await one(first);
  while (waiting.length > 0 && failures.length === 0) {
    await Promise.all(Array.from({ length: INVOCATIONS_AT_ONCE }, worker));
  }
  const [stopped] = failures;
  if (stopped && objects.length === 0) throw stopped;
  return { objects, ...(stopped && { stopped: stopped.message }) };
}

function chunks(keys: readonly string[]): string[][] {
  const count = Math.ceil(keys.length / OBJECTS_AT_ONCE);
  return Array.from({ length: count }, (_, i) => keys.slice(i * OBJECTS_AT_ONCE, (i + 1) * OBJECTS_AT_ONCE));
}
