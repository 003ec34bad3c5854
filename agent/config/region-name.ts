import * as z from "zod";

/** A zone of a region, or a local zone of it, with which it is taken for one another. */
const ZONE = /^([a-z]{2,}(?:-[a-z]+)+-\d+)(?:-[a-z]{3}-\d+)?[a-z]$/;
const REGION = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;

/** What is wrong with the name of a region, and what to write. @returns undefined where nothing is */
export function regionProblem(name: string): string | undefined {
  const region = ZONE.exec(name)?.[1];
  if (region !== undefined) return `is an availability zone: write region = "${region}"`;
  if (REGION.test(name)) return undefined;
  const lower = name.trim().toLowerCase().replaceAll("_", "-");
  const meant = /^[a-z]{2,}(?:-[a-z]+)+-\d+$/.test(lower) ? lower : "eu-west-1";
  return `is no region: write region = "${meant}"`;
}

/** A region as AWS names it. */
export const regionName = z.string().superRefine((name, context) => {
  const message = regionProblem(name);
  if (message !== undefined) context.addIssue({ code: "custom", message });
});
