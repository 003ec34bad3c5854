/** A value of a configuration as TypeScript has it: patterns as they are read. */
export function literal(value: unknown): string {
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
