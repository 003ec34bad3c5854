import * as z from "zod";
import { regionName } from "./region-name.ts";
import { CLOUDWATCH_NAMESPACE } from "../../wire/heartbeat.ts";
import { quantity } from "../../wire/quantity.ts";

/** `[cloudwatch]`: a few metrics, enough for alarms; nothing is sent without this section. */
export const cloudWatchSchema = z.strictObject({
  namespace: z
    .string()
    .regex(
      /^(?!AWS\/)[A-Za-z0-9._/#:-]{1,255}$/,
      "letters, digits and ._/#:-, at most 255, and not beginning with AWS/",
    )
    .default(CLOUDWATCH_NAMESPACE)
    .meta({ description: "of the metrics; the policy that the stack makes allows only the default" }),
  interval_ms: quantity("ms", 100, 3_600_000).default(60_000).meta({ unit: "ms" }),
  dimensions: z
    .array(z.enum(["host", "stream"]))
    .default(["host", "stream"])
    .meta({ description: "what tells the metrics of one agent from those of others" }),
  region: regionName.optional().meta({ description: "the stream's if absent" }),
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta({ description: "of CloudWatch, where it is not the region's own" }),
});

export type CloudWatchConfig = z.output<typeof cloudWatchSchema>;
