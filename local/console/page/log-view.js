import { element } from "./elements.js";

/** What a part printed last, newest first. */
export async function logOf(part, ask) {
  const { lines } = await ask(`/log?part=${encodeURIComponent(part)}`);
  const shown = lines
    .toReversed()
    .map(({ at, text }) =>
      element("li", {}, element("time", {}, new Date(at).toTimeString().slice(0, 8)), code(text)),
    );
  return element(
    "section",
    { className: "log" },
    element("h3", {}, `Log of ${part}`),
    lines.length === 0
      ? element("p", { className: "quiet" }, "It has printed nothing so far but its metrics.")
      : element("ol", { tabindex: "0", "aria-label": `Log of ${part}, newest first` }, ...shown),
    element(
      "p",
      { className: "quiet" },
      "All of it, metrics too, is in weir.log, in the folder that --dir names.",
    ),
  );
}

/** What every line of a logger's says, and the time beside it says too. */
const COMMON = new Set([
  "level",
  "message",
  "msg",
  "time",
  "timestamp",
  "service",
  "sampling_rate",
  "cold_start",
  "function_arn",
  "function_name",
  "function_memory_size",
  "function_request_id",
]);

/** Levels of the agent's logger. */
const LEVELS = { 10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARN", 50: "ERROR", 60: "FATAL" };

/** A logger's line as people read it: level, message, and its other fields. Anything else stands as it is. */
function code(text) {
  const line = parsed(text);
  const message = line?.message ?? line?.msg;
  if (typeof message !== "string") return element("code", {}, text);
  const level = LEVELS[line.level] ?? String(line.level ?? "");
  const fields = Object.entries(line)
    .filter(([name]) => !COMMON.has(name))
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const isBad = level === "WARN" || level === "ERROR" || level === "FATAL";
  return element(
    "code",
    {},
    element("b", { className: isBad ? "bad" : "" }, level),
    ` ${message} `,
    element("span", { className: "quiet" }, fields.join(" ")),
  );
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : undefined;
  } catch {
    return undefined; // cut, or no JSON
  }
}
