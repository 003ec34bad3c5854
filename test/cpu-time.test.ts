import { expect, test } from "vitest";
import { cpuMs } from "./cpu-time.ts";

test("work of less than the scheduler's tick costs something in each of its turns", () => {
  const work = () => {
    for (const end = performance.now() + 0.5; performance.now() < end;);
  };
  expect(Math.min(...Array.from({ length: 50 }, () => cpuMs(work)))).toBeGreaterThan(0);
});
