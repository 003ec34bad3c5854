import fc from "fast-check";
import { expect, test } from "vitest";
import { Delivery } from "../../agent/kinesis/delivery.ts";
import { HEAD } from "../../agent/framing/line-framer.ts";

/** Sends the next span, or acknowledges one of those on their way. */
type Step = { readonly send: number } | { readonly acknowledge: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ send: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ acknowledge: fc.nat({ max: 20 }) }),
);

test("the position is the end of the acknowledged prefix, in whatever order answers come", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const delivery = new Delivery(HEAD);
      const spans: { end: number; isAcknowledged: boolean; acknowledge: () => void }[] = [];
      for (const step of steps) {
        if ("send" in step) {
          const end = (spans.at(-1)?.end ?? 0) + step.send;
          const acknowledge = delivery.expect({ ...HEAD, offset: end });
          spans.push({ end, isAcknowledged: false, acknowledge });
        } else {
          const waiting = spans.filter(({ isAcknowledged }) => !isAcknowledged);
          const span = waiting[step.acknowledge % waiting.length];
          if (span) {
            span.isAcknowledged = true;
            span.acknowledge();
          }
        }
        const first = spans.findIndex(({ isAcknowledged }) => !isAcknowledged);
        const prefix = first === -1 ? spans : spans.slice(0, first);
        expect(delivery.resume.offset).toBe(prefix.at(-1)?.end ?? 0);
        expect(delivery.isPending).toBe(first !== -1);
      }
    }),
  );
});
