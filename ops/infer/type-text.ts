import { literal } from "../../wire/config-literal.ts";
import type { Proposal } from "./infer.ts";

/** A proposed type as it stands in weir.config.ts, with what is to be confirmed as comments. */
export function typeText({ type, remarks }: Proposal, indent = ""): string {
  const { columns, ...others } = type;
  const members = Object.entries(others).flatMap(([name, value]) => {
    const remark = name === "parse" ? remarks.parse : name === "time" ? remarks.time : undefined;
    return [...toConfirm(remark), `${name}: ${literal(value)},`];
  });
  const listed = columns.map((column) => {
    const comment = remarks.columns.get(column.name);
    return `  ${literal(column)},${comment === undefined ? "" : ` // ${comment}`}`;
  });
  // Where no field has a time, there is no member to say it of.
  const noTime = type.time === undefined ? toConfirm(remarks.time) : [];
  const at = members.findIndex((line) => line.startsWith("destinations:"));
  const body = members.toSpliced(at < 0 ? members.length : at, 0, ...noTime, "columns: [", ...listed, "],");
  return ["{", ...body.map((line) => `  ${line}`), "},"].map((line) => indent + line).join("\n");
}

const toConfirm = (remark: string | undefined): string[] =>
  remark === undefined ? [] : [`// To confirm: ${remark}.`];
