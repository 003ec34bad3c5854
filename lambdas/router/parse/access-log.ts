import type { AccessFormatName } from "../../../wire/log-type.ts";
import { Misfit, shown } from "../misfit.ts";
import { ACCESS_FORMATS, type AccessField, type AccessForm } from "./access-format.ts";
import type { Fields } from "./fields.ts";

/** Index after the text of a form that begins at `at`, -1 if there is none. */
type End = (line: string, at: number) => number;

const ENDS: Readonly<Record<AccessForm, End>> = {
  host: endOf(/[\w.:%*/[\]-]+/y),
  vhost: endOf(/[\w.*-]+/y),
  digits: endOf(/\d+/y),
  ident: endOf(/[A-Za-z_-][\w$-]*/y),
  user: endOf(/\S+/y),
  word: endOf(/[^\s"]+/y),
  time: endOf(/[^[\]"]*/y),
  quoted: closingQuote,
  request: closingQuote,
};

/**
 * A parser of lines that a web server writes in one of the known formats (access-format.ts). "-" is no value.
 * What the server escaped (\" \\ \xhh) stays as it wrote it: servers differ. A request that is not
 * `METHOD path PROTOCOL`, as a TLS greeting to a plain port, gives one field `request`.
 *
 * Between the fields stands exactly the format's text, and no field may hold what could be another: with a
 * host more, a list of hosts or another field before the time, a line is of another format. It is refused
 * rather than read with its fields shifted.
 *
 * @param spacesInUser takes what stands before the time, spaces included, for the user
 */
export function accessLogParser(
  format: AccessFormatName,
  spacesInUser: boolean,
): (line: string) => Fields | Misfit {
  const { fields, after } = ACCESS_FORMATS[format];
  const ends = spacesInUser ? { ...ENDS, user: beforeBracket } : ENDS;
  return (line) => {
    if (line.includes("\n")) return new Misfit("unparsed", `not in ${format} format: it holds a line feed`);
    const parsed: Record<string, string | null> = {};
    let at = 0;
    for (const field of fields) {
      const { before, name, form } = field;
      const from = at + before.length;
      const end = line.startsWith(before, at) ? ends[form](line, from) : -1;
      if (end < 0) return missing(line, format, field, at);
      const text = line.slice(from, end);
      if (form === "request") splitRequest(parsed, text);
      else parsed[name] = present(text);
      at = end;
    }
    if (line.startsWith(after, at) && line.length === at + after.length) return parsed;
    return new Misfit("unparsed", `not in ${format} format: text after ${fields.at(-1)!.name}`);
  };
}

function splitRequest(fields: Record<string, string | null>, request: string): void {
  const methodEnd = request.indexOf(" ");
  const pathEnd = request.lastIndexOf(" ");
  const isHttp = methodEnd > 0 && pathEnd > methodEnd && request.startsWith("HTTP/", pathEnd + 1);
  fields["method"] = isHttp ? request.slice(0, methodEnd) : null;
  fields["path"] = isHttp ? request.slice(methodEnd + 1, pathEnd) : null;
  fields["protocol"] = isHttp ? request.slice(pathEnd + 1) : null;
  if (!isHttp && request !== "-") fields["request"] = request;
}

/** @param text sticky, so that it matches at one place or not at all */
function endOf(text: RegExp): End {
  return (line, at) => {
    text.lastIndex = at;
    return text.test(line) ? text.lastIndex : -1;
  };
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

/** A user's name of more than one word begins with a letter: "- bob" is two fields. */
function beforeBracket(line: string, at: number): number {
  const end = line.indexOf(" [", at);
  const isOneWord = line.indexOf(" ", at) === end;
  return end <= at || (!isOneWord && !/^\p{L}/u.test(line.slice(at, at + 2))) ? -1 : end;
}

function present(text: string): string | null {
  return text === "-" ? null : text;
}

/** The text of a field is not as it should be, or not where. */
function missing(line: string, format: AccessFormatName, { before, name }: AccessField, at: number): Misfit {
  const what = `not in ${format} format: no ${name} at character ${at}`;
  const bracket = before === " [" ? line.indexOf(" [", at) : -1;
  if (bracket < 0) return new Misfit("unparsed", what);
  const more = shown(line.slice(at, bracket).trim());
  const remedy = "name the line's format, or allow spacesInUser";
  return new Misfit("unparsed", `${what} but ${more}, another field or more of the user: ${remedy}`);
}
