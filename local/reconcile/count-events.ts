import { WindowText } from "../../agent/framing/line-text.ts";
import { beginsEvent } from "../../agent/framing/multi-line.ts";
import { readLines } from "../../ops/try/read-lines.ts";
import type { TypeTruth } from "./truth.ts";

/** What files hold whose events have several lines: events in the place of lines. @param start of a line that begins one */
export async function countEvents(truth: TypeTruth, start: string): Promise<TypeTruth> {
  const begins = beginsEvent({ start, idle_ms: 0 }, new WindowText());
  const files = [];
  for (const file of truth.files) {
    let events = 0;
    for await (const { number, data } of readLines(file.path)) {
      if (number === 1 || begins(data, 0, data.length)) events++;
    }
    files.push({ ...file, lines: events });
  }
  return { ...truth, files };
}
