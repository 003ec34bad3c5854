import { Misfit } from "../misfit.ts";
import type { Fields } from "./fields.ts";

/**
 * common   := host SP ident SP user SP "[" time "]" SP quoted SP status SP bytes
 * combined := common SP quoted SP quoted                         referer, agent
 * quoted   := DQUOTE { any but DQUOTE or "\" | "\" any } DQUOTE
 *
 * "-" is no value. What the server escaped (\" \\ \xhh) stays as it wrote it: servers differ. A request
 * that is not `METHOD path PROTOCOL`, as a TLS greeting to a plain port, gives one field `request`.
 *
 * Scanned by indexOf: a regular expression takes about three times as long.
 *
 * source: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html, read 2026-11
 */
export function parseCommon(line: string): Fields | Misfit {
  return parseAccessLog(line, false);
}

export function parseCombined(line: string): Fields | Misfit {
  return parseAccessLog(line, true);
}

function parseAccessLog(line: string, combined: boolean): Fields | Misfit {
  const hostEnd = line.indexOf(" ");
  const identEnd = line.indexOf(" ", hostEnd + 1);
  const userEnd = line.indexOf(" [", identEnd + 1);
  if (hostEnd < 1 || identEnd < 0 || userEnd < 0) return missing("[time]");
  const timeEnd = line.indexOf('] "', userEnd);
  if (timeEnd < 0) return missing('"request"');
  const requestEnd = closingQuote(line, timeEnd + 3);
  if (requestEnd < 0) return missing("the request's closing quote");
  const statusEnd = line.indexOf(" ", requestEnd + 2);
  if (line[requestEnd + 1] !== " " || statusEnd <= requestEnd + 2) return missing("status and bytes");
  const bytesEnd = combined ? line.indexOf(' "', statusEnd + 1) : line.length;
  if (bytesEnd <= statusEnd + 1) return missing(combined ? '"referer"' : "bytes");

  const fields: Record<string, string | null> = {
    host: present(line.slice(0, hostEnd)),
    ident: present(line.slice(hostEnd + 1, identEnd)),
    user: present(line.slice(identEnd + 1, userEnd)),
    time: present(line.slice(userEnd + 2, timeEnd)),
    method: null,
    path: null,
    protocol: null,
    status: present(line.slice(requestEnd + 2, statusEnd)),
    bytes: present(line.slice(statusEnd + 1, bytesEnd)),
  };
  splitRequest(fields, line.slice(timeEnd + 3, requestEnd));
  return combined ? addRefererAndAgent(fields, line, bytesEnd + 2) : fields;
}

function splitRequest(fields: Record<string, string | null>, request: string): void {
  const methodEnd = request.indexOf(" ");
  const pathEnd = request.lastIndexOf(" ");
  if (methodEnd > 0 && pathEnd > methodEnd && request.startsWith("HTTP/", pathEnd + 1)) {
    fields["method"] = request.slice(0, methodEnd);
    fields["path"] = request.slice(methodEnd + 1, pathEnd);
    fields["protocol"] = request.slice(pathEnd + 1);
  } else if (request !== "-") {
    fields["request"] = request;
  }
}

function addRefererAndAgent(
  fields: Record<string, string | null>,
  line: string,
  refererAt: number,
): Fields | Misfit {
  const refererEnd = closingQuote(line, refererAt);
  if (refererEnd < 0 || !line.startsWith(' "', refererEnd + 1)) return missing('"agent"');
  const agentEnd = closingQuote(line, refererEnd + 3);
  if (agentEnd < 0) return missing("the agent's closing quote");
  if (agentEnd !== line.length - 1) return new Misfit("unparsed", "text after the agent");
  fields["referer"] = present(line.slice(refererAt, refererEnd));
  fields["agent"] = present(line.slice(refererEnd + 3, agentEnd));
  return fields;
}

/** Index of the quote that ends a quoted text begun before `at`: one after an even run of backslashes. */
function closingQuote(line: string, at: number): number {
  for (let quote = line.indexOf('"', at); quote >= 0; quote = line.indexOf('"', quote + 1)) {
    let run = quote;
    while (run > at && line.charCodeAt(run - 1) === BACKSLASH) run--;
    if ((quote - run) % 2 === 0) return quote;
  }
  return -1;
}

const BACKSLASH = 0x5c;

function present(text: string): string | null {
  return text === "-" ? null : text;
}

function missing(what: string): Misfit {
  return new Misfit("unparsed", `not in access log format: ${what} is missing`);
}
