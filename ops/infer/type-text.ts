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

/** A value as TypeScript has it: patterns as they are read. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([name, member]) => `${key(name)}: ${literal(member)}`);
    return `{ ${members.join(", ")} }`;
  }
  if (typeof value === "string" && value.includes("\\") && !/[`\n\r\u2028\u2029]|\$\{|\\$/.test(value))
    return `String.raw\`${value}\``;
  return JSON.stringify(value);
}

const key = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
