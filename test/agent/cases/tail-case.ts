import { expect, test } from "vitest";
import { reportFile } from "../../../agent/progress/heartbeats.ts";
import { bySource, reassemble } from "../event.ts";
import { TailHarness, type TailHarnessOptions } from "../tail-harness.ts";

/*
 * The cases that a tail has to stand. `case N` finds the tests.
 *
 *   rotation.test.ts
 *    1 renamed and made anew            4 two rotations between looks     6 moved to another directory
 *    2 a writer that keeps the file     5 a chain of numbers              7 copied and removed
 *    3 a while without any file
 *   truncation.test.ts
 *    8 copytruncate, all read          10 truncated and grown beyond     11 same first line and size
 *    9 copytruncate, unread lines
 *   names.test.ts
 *   12 compressed within the glob      16 deleted while it is written    20 empty and tiny files
 *   13 a new name at midnight          17 made again, same inode         21 replaced by a rename
 *   14 a symbolic link switched        18 inode under another name       22 a rename undone
 *   15 hard links                      19 files that begin alike
 *   content.test.ts
 *   23 a last line, then rotation      25 a line over the limit          27 other encodings
 *   24 no final line feed              26 CRLF, holes of zeros           28 events of several lines
 *   crash.test.ts
 *   29 down over one rotation          31 killed at any moment           33 power lost: bytes gone
 *   30 down over several               32 killed in a write of state     34 power lost: zeros
 *   lifecycle.test.ts
 *   36 too many files                  38 no right to read               43 two agents on one state directory
 *   37 notifications that overflow     41 the clock is set
 *   sink.test.ts
 *   39 the stream away for hours       40 held back, and rotated         44 an acknowledgement of forward lost
 *
 *   elsewhere
 *   35 no room, and errors of the disk: ../spool/spool-faults.test.ts and ../spool/spool-on-disk.test.ts for
 *      what is pushed; ../checkpoint-power-loss.test.ts and ../agent.test.ts for the state
 *   42 reloaded within a file: ../reload.test.ts, ../reload-inputs.test.ts
 *   elsewhere, more of them
 *    9, 12 compressed rotations: ../compressed-rotation.test.ts   19 look-alikes: ../look-alike.test.ts
 *    6 moved out of sight: ../tail.test.ts       17, 18 without birth times: ../identity.test.ts
 *    9 between any two operations: ../interleaved.test.ts        27 those that are set: ../encoding.test.ts
 *   31, 32 killed at each operation: ../kill-points.test.ts, at random ones: ../random.test.ts, ../kill.test.ts
 *   33, 34 of the agent's own files: ../checkpoint-power-loss.test.ts, ../spool/spool-power-loss.test.ts
 *   37 ../look-schedule.test.ts      39 ../shard-limits.test.ts, ../fault-proxy.test.ts
 *   43 ../agent.test.ts              44 ../forward/clients.test.ts, ../forward/end-to-end.test.ts
 */

interface CaseOptions extends TailHarnessOptions {
  /** Lines may come again, under the identity they had: the agent dies before it hears that they arrived. */
  readonly mayRepeat?: boolean;
}

/**
 * One of the cases that a tail has to stand, by its number. The model is what `run` returns: the contents
 * of every source that must have come out in the end, and of no other. No line may come twice, and what
 * the agent says of its sources must be what was delivered of them.
 */
export function tailCase(
  number: number,
  claim: string,
  run: (tail: TailHarness) => Promise<readonly string[]>,
  { mayRepeat = false, ...options }: CaseOptions = {},
): void {
  test(`case ${number}: ${claim}`, async () => {
    await using tail = await TailHarness.make(options);
    const model = await run(tail);
    expect(delivered(tail)).toEqual([...model].sort());
    if (!mayRepeat) expectNoRepeats(tail);
    tail.acknowledge();
    expectHonestReports(tail, mayRepeat);
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

/**
 * What a heartbeat would say is delivered of each source has come out, and no more of it has. @param isLate
 * some of it was not heard of
 */
function expectHonestReports(tail: TailHarness, isLate: boolean): void {
  const came = new Map(Array.from(bySource(tail.events), ([id, events]) => [id, reassemble(events).length]));
  for (const { id, delivered } of tail.files.map(reportFile)) {
    const bytes = came.get(id) ?? 0;
    if (isLate) expect(delivered).toBeLessThanOrEqual(bytes);
    else expect(delivered).toBe(bytes);
  }
}
