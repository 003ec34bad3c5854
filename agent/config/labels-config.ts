import * as z from "zod";
import { isLabelValue, LABEL_NAME, LABEL_NAME_RULE, LABELS_MAX } from "../../wire/labels.ts";

/** `[labels]`: what is said of the host with every source. */
export const labelsSchema = z
  .record(
    z.string().regex(LABEL_NAME, LABEL_NAME_RULE),
    z.string().refine(isLabelValue, "at most 256 bytes, without control characters"),
  )
  .refine((labels) => Object.keys(labels).length <= LABELS_MAX, `at most ${LABELS_MAX}`)
  .meta({
    description:
      'what columns may be filled from besides a line\'s own fields, as `_labels.NAME`: stage = "prod", zone = "${ZONE}". ' +
      "Stated once a source in each record",
  });

/** Names below `latest/meta-data/`: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html, read 2026-11 */
const METADATA_NAME = /^[a-z0-9][A-Za-z0-9 ._:+=@-]*(?:\/[A-Za-z0-9 ._:+=@-]+)*$/;

export const ec2LabelsSchema = z
  .array(z.string().max(256).regex(METADATA_NAME, 'a name of instance metadata, such as "instance-id"'))
  .max(LABELS_MAX)
  .meta({
    description:
      'labels that instance metadata has the values of: "instance-id", "placement/availability-zone", "instance-type", ' +
      '"tags/instance/Name" where the instance lets metadata have its tags. A label is called as the last part of the ' +
      "name, with _ for what a label's name cannot have. One of `labels` of the same name comes before",
  });
