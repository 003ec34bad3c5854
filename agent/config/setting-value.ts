const SECRETS = new Set(["shared_key", "password"]);

/** Whether the value of a setting must not be told. */
export function isSecret(key: string): boolean {
  return SECRETS.has(key);
}

/** What to write in the place of a value of another type. @param table under which its own settings stand */
export function asItShouldBe(key: string, expected: string, value: unknown, table: string): string {
  if (Array.isArray(value) && expected === "object")
    return `write [${table}], with one bracket: there is only one`;
  if (expected === "array" && isTable(value))
    return `write [[${table}]], with two brackets, above each entry`;
  if (expected === "array" && typeof value === "string") return `write ${key} = [${JSON.stringify(value)}]`;
  if (expected === "object" || expected === "record") return `write it as a table: [${table}]`;
  if (expected === "string") {
    const isScalar = ["number", "boolean", "bigint"].includes(typeof value) && !isSecret(key);
    return isScalar ? `write ${key} = "${String(value)}", in quotes` : "write it in quotes";
  }
  if (expected === "boolean") {
    const isMeant = typeof value === "string" && /^(?:true|false)$/i.test(value);
    return isMeant ? `write ${key} = ${value.toLowerCase()}, without quotes` : "write true or false";
  }
  if (expected === "number" || expected === "int") return numberMeant(key, value);
  return `expected ${expected}`;
}

function numberMeant(key: string, value: unknown): string {
  const text = typeof value === "string" ? value.trim() : "";
  const number = /^\d+$/.test(text) ? text : undefined;
  if (number !== undefined) return `write ${key} = ${number}, without quotes${unitOf(key)}`;
  return `write a whole number, without quotes${unitOf(key)}`;
}

function unitOf(key: string): string {
  return key.includes("bytes") ? "; it counts bytes" : key.endsWith("_ms") ? "; it counts milliseconds" : "";
}

function isTable(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
