import type { AccessField, AccessForm, AccessFormat } from "../../../wire/access-log/format.ts";
import type { AccessParse } from "../../../wire/access-parser.ts";
import { Misfit, shown } from "../misfit.ts";
import { decodeEscapes } from "./access-escapes.ts";
import type { Fields } from "./fields.ts";

/** Index after the text of a form that begins at `at`, -1 if there is none. */
type End = (line: string, at: number) => number;

const ENDS: Readonly<Record<Exclude<AccessForm, "until">, End>> = {
  host: endOf(/[\w.:%*/[\]-]+/y),
  vhost: endOf(/[\w.*-]+/y),
  digits: endOf(/\d+/y),
  ident: endOf(/[A-Za-z_-][\w$-]*/y),
  user: endOf(/\S+/y),
  word: endOf(/[^\s"]+/y),
  list: endOf(/[^\s",]+(?:(?:, ?| : )[^\s",]+)*/y),
  time: endOf(/[^[\]"]*/y),
  quoted: closingQuote,
  request: closingQuote,
};

/**
 * A parser of lines that a web server writes in a format. "-" is no value. A request that is not
 * `METHOD path PROTOCOL`, as a TLS greeting to a plain port, gives one field `request`.
 *
 * Between the fields stands exactly the format's text, and no field may hold what could be another: with a
 * host more, a list of hosts or another field before the time, a line is of another format. It is refused
 * rather than read with its fields shifted.
 *
 * @param parse whose `spacesInUser` takes what stands before the time, spaces included, for the user
 */
export function accessLogParser(
  { fields, after, grows }: AccessFormat,
  { format: name, spacesInUser, escapes, trailing = grows ? "keep" : "reject" }: AccessParse,
): (line: string) => Fields | Misfit {
  const steps = fields.map((field, i) => ({
    field,
    endOf: endOfField(field, fields[i + 1]?.before ?? after, spacesInUser),
  }));
  const text = escapes === "decode" ? decodeEscapes : (text: string): string => text;
  return (line) => {
    if (line.includes("\n")) return new Misfit("unparsed", `not in ${name} format: it holds a line feed`);
    const parsed: Record<string, string | null> = {};
    let at = 0;
    for (const { field, endOf } of steps) {
      const from = at + field.before.length;
      const end = line.startsWith(field.before, at) ? endOf(line, from) : -1;
      if (end < 0) return missing(line, name, field, at);
      if (field.form === "request") splitRequest(parsed, text(line.slice(from, end)));
      else parsed[field.name] = present(text(line.slice(from, end)));
      at = end;
    }
    at += after.length;
    if (!line.startsWith(after, at - after.length))
      return textAfter(name, fields, line.slice(at - after.length));
    if (line.length === at) return parsed;
    if (trailing !== "keep" || line[at] !== " ") return textAfter(name, fields, line.slice(at));
    parsed["trailing"] = line.slice(at + 1);
    return parsed;
  };
}

/** One quoted field more than `combined`: the packaged format of nginx, and by far the most frequent mistake. */
const FORWARDED_FOR = /^ "[^"]*"$/;

function textAfter(name: string, fields: AccessFormat["fields"], text: string): Misfit {
  const hint = name === "combined" && FORWARDED_FOR.test(text) ? ", as in the format nginx-main" : "";
  const found = `text after ${fields.at(-1)!.name}: ${shown(text)}${hint}`;
  return new Misfit("unparsed", `not in ${name} format: ${found}`);
}

/** @param next the text after the field */
function endOfField({ form }: AccessField, next: string, spacesInUser: boolean): End {
  if (form === "user" && spacesInUser) return beforeBracket;
  // The port after an address that may have colons of its own is what follows the last one.
  if (form === "host" && next.startsWith(":")) return endOf(/[\w.:%*/[\]-]+(?=:)/y);
  if (form !== "until") return ENDS[form];
  return (line, at) => (next === "" ? line.length : line.indexOf(next, at));
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
function missing(line: string, format: string, { before, name }: AccessField, at: number): Misfit {
  const what = `not in ${format} format: no ${name} at character ${at}`;
  const bracket = before === " [" ? line.indexOf(" [", at) : -1;
  if (bracket < 0) return new Misfit("unparsed", what);
  const more = shown(line.slice(at, bracket).trim());
  const remedy = "name the line's format, or allow spacesInUser";
  return new Misfit("unparsed", `${what} but ${more}, another field or more of the user: ${remedy}`);
}
