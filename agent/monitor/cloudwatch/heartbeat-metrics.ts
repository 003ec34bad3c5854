import type { MetricDatum } from "@aws-sdk/client-cloudwatch";
import { health } from "../health.ts";
import { undeliveredBytes } from "../pace.ts";
import type { Vitals } from "../vitals.ts";

type Unit = "Count" | "Bytes" | "Seconds";

/** Sums that only grow while an agent runs; what is sent of them is their growth. */
export interface Totals {
  readonly DeliveredBytes: number;
  readonly Throttles: number;
  readonly Errors: number;
  readonly AbandonedBytes: number;
  readonly DroppedLines: number;
}

export const NO_TOTALS: Totals = {
  DeliveredBytes: 0,
  Throttles: 0,
  Errors: 0,
  AbandonedBytes: 0,
  DroppedLines: 0,
};

export function totalsOf({ sent, producer, tail, pushed }: Vitals): Totals {
  const sentBytes = Array.from(sent.values(), ({ bytes }) => bytes);
  const { spool, reader } = pushed ?? {};
  return {
    DeliveredBytes: sentBytes.reduce((sum, bytes) => sum + bytes, 0),
    Throttles: producer.throttled,
    Errors: producer.failures,
    AbandonedBytes: tail.abandonedBytes + (reader?.lost.bytes ?? 0),
    DroppedLines: (spool?.counts.dropped.lines ?? 0) + (reader?.overtaken.lines ?? 0),
  };
}

/** What an alarm needs to know of an agent: that it is there, how far behind it is, and what went wrong since. */
export function heartbeatMetrics(
  vitals: Vitals,
  since: Totals,
  dimensions: MetricDatum["Dimensions"],
  nowMs: number,
): MetricDatum[] {
  const { files, pace, pushed } = vitals;
  const datum = (MetricName: string, Value: number, Unit: Unit): MetricDatum => {
    return { MetricName, Value, Unit, Timestamp: new Date(nowMs), Dimensions: dimensions };
  };
  const lagBytes = files.reduce((sum, file) => sum + undeliveredBytes(file), 0);
  const totals = totalsOf(vitals);
  const growth = (name: keyof Totals) => Math.max(0, totals[name] - since[name]);
  return [
    datum("Heartbeat", 1, "Count"),
    datum("Progressing", Number(health("progressing", vitals, nowMs).ok), "Count"),
    datum("LagBytes", lagBytes, "Bytes"),
    datum("LagSeconds", pace.mostLagMs(files) / 1_000, "Seconds"),
    datum("DeliveredBytes", growth("DeliveredBytes"), "Bytes"),
    datum("Throttles", growth("Throttles"), "Count"),
    datum("Errors", growth("Errors"), "Count"),
    datum("AbandonedBytes", growth("AbandonedBytes"), "Bytes"),
    ...(pushed
      ? [
          datum("SpoolBytes", pushed.spool.bytes, "Bytes"),
          datum("DroppedLines", growth("DroppedLines"), "Count"),
        ]
      : []),
  ];
}
