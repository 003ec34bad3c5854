import type { AccessField, AccessFormat } from "./format.ts";
import { formatOf, type TemplatePart } from "./template.ts";

/** What values of nginx's variables may hold, where it is not what their place allows. */
const FORMS: Readonly<Record<string, AccessField["form"]>> = {
  request: "request",
  remote_addr: "host",
  realip_remote_addr: "host",
  server_addr: "host",
  remote_user: "user",
  http_x_forwarded_for: "list",
  proxy_add_x_forwarded_for: "list",
};

const DIRECTIVE = /^\s*log_format\s+[\w.-]+\s+(?:escape=(\w+)\s+)?([\s\S]*?);?\s*$/;
const STRING = /'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"/g;
const PART = /\$(?:\{(\w+)\}|(\w+))|[^$]+|\$/g;

/**
 * An access log's format as nginx has it: the string of a log_format, or the whole directive. Fields have the names of
 * the variables; `$request` is three: method, path and protocol.
 *
 * source: https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format, read 2026-11
 * @throws TypeError where it cannot be read
 */
export function nginxFormat(text: string): AccessFormat {
  const parts = [...templateText(text).matchAll(PART)].map(([part, braced, bare]): TemplatePart => {
    const name = braced ?? bare;
    return name === undefined ? { text: part } : { name, form: formOf(name) };
  });
  return formatOf(parts);
}

function templateText(text: string): string {
  const [, escape, strings] = DIRECTIVE.exec(text) ?? [];
  if (strings === undefined) return text;
  if (escape === "json") throw new TypeError('is JSON, with escape=json: use the format "json"');
  return [...strings.matchAll(STRING)]
    .map(([, single, double]) => (single ?? double)!.replaceAll(/\\(["'\\])/g, "$1"))
    .join("");
}

/** Times and lengths of several upstreams stand in one variable: `0.001, 0.002 : 0.003`. */
const formOf = (name: string): AccessField["form"] | undefined =>
  Object.hasOwn(FORMS, name) ? FORMS[name] : name.startsWith("upstream_") ? "list" : undefined;
