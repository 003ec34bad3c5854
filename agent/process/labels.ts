import type { Logger } from "pino";
import { isLabelValue, LABEL_NAME, type Labels } from "../../wire/labels.ts";
import { askMetadata } from "../machine/instance-metadata.ts";

/**
 * Labels of the configuration and those that instance metadata has the values of. What it does not tell is left out and
 * logged: a host does not stop sending for want of a label.
 */
export async function readLabels(
  { labels, ec2_labels: names }: { readonly labels: Labels; readonly ec2_labels: readonly string[] },
  environment: NodeJS.ProcessEnv,
  log: Pick<Logger, "warn">,
): Promise<Labels> {
  if (names.length === 0) return labels;
  const told = await askMetadata(environment, names);
  const missing = names.filter((_, i) => told[i] === undefined || !isLabelValue(told[i]));
  if (missing.length > 0)
    log.warn({ missing }, "instance metadata does not tell these labels: they are left out");
  const found = names.flatMap((name, i) =>
    missing.includes(name) ? [] : [[labelName(name), told[i]!] as const],
  );
  return { ...Object.fromEntries(found), ...labels };
}

/** `placement/availability-zone` is `availability_zone`. */
function labelName(name: string): string {
  const last = name
    .split("/")
    .at(-1)!
    .replaceAll(/[^A-Za-z0-9_]/g, "_")
    .slice(0, 62);
  return LABEL_NAME.test(last) ? last : `_${last}`;
}
