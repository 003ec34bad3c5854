import type { CustomResourceRequest } from "../../wire/custom-resource.ts";

/** What CloudFormation sends. source: "Custom resource request objects", AWS CloudFormation, read 2026-11 */
export interface CustomResourceEvent extends CustomResourceRequest {
  readonly RequestType: "Create" | "Update" | "Delete";
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Readonly<Record<string, string>>;
  readonly OldResourceProperties?: Readonly<Record<string, string>>;
}
