import type { LogType } from "../../wire/log-type.ts";

/** Tells lines that hold no event: blank ones, and those that begin as the type's comments do. */
export function noEvent({ parse, skip }: Pick<LogType, "parse" | "skip">): (line: string) => boolean {
  const { blank = parse.format !== "raw", comments = [] } = skip ?? {};
  // White space may be what stands between values.
  const isDelimited = parse.format === "tsv" || parse.format === "csv";
  const isBlank = (line: string): boolean => (isDelimited ? line === "" : line.trim() === "");
  return (line) => (blank && isBlank(line)) || comments.some((beginning) => line.startsWith(beginning));
}
