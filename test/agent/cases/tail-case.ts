import { expect, test } from "vitest";
import { bySource, reassemble } from "../event.ts";
import { TailHarness, type TailHarnessOptions } from "../tail-harness.ts";

/**
 * One of the cases that a tail has to stand, by its number. The model is what `run` returns: the contents
 * of every source that must have come out in the end, and of no other.
 */
export function tailCase(
  number: number,
  claim: string,
  run: (tail: TailHarness) => Promise<readonly string[]>,
  options: TailHarnessOptions = {},
): void {
  test(`case ${number}: ${claim}`, async () => {
    await using tail = await TailHarness.make(options);
    const model = await run(tail);
    expect(delivered(tail)).toEqual([...model].sort());
  });
}

export function delivered(tail: TailHarness): string[] {
  return Array.from(bySource(tail.events).values(), reassemble).sort();
}

/** No line was sent twice: what was delivered is as many events as there are lines. */
export function expectNoRepeats(tail: TailHarness): void {
  const lines = [...bySource(tail.events).values()].reduce((sum, events) => sum + events.length, 0);
  expect(tail.events).toHaveLength(lines);
}
