import { createHmac } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { substring } from "./text-functions.ts";

/** SHA-256 under a key (HMAC): without the key nobody can try what the value was. Hexadecimal, 64 digits. */
export const keyedHash = (key: string, value: string): string =>
  createHmac("sha256", key).update(value).digest("hex");

/**
 * An address without what tells hosts of one network apart: the last 8 bits of an IPv4 address are 0, and of an IPv6
 * address the first 48 are left.
 *
 * @returns undefined for what is no address
 */
export function maskIp(address: string): string | undefined {
  const mapped = /^::ffff:(?=\d+\.)/i.exec(address)?.[0] ?? "";
  const v4 = address.slice(mapped.length);
  if (isIPv4(v4)) return `${mapped}${v4.slice(0, v4.lastIndexOf("."))}.0`;
  const [plain = ""] = address.split("%");
  if (!isIPv6(plain)) return undefined;
  const [before = "", after] = plain.split("::");
  const head = before === "" ? [] : before.split(":");
  const tail = after === undefined || after === "" ? [] : after.split(":");
  // An IPv4 address at the end stands for two groups.
  const groups = head.length + tail.length + (plain.includes(".") ? 1 : 0);
  const all = [...head, ...Array<string>(Math.max(0, 8 - groups)).fill("0"), ...tail];
  return `${all
    .slice(0, 3)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::`;
}

/** @returns undefined for what has no "@", which may be anything */
export function maskEmail(address: string): string | undefined {
  const at = address.lastIndexOf("@");
  return at < 0 ? undefined : `***${address.slice(at)}`;
}

/** A star for each character but the last few; of texts that are no longer, for each. */
export function maskButLast(text: string, kept: number): string {
  const from = Math.trunc(kept) < text.length ? text.length - Math.max(0, Math.trunc(kept)) : text.length;
  const rest = substring(text, from);
  return "*".repeat(text.length - rest.length) + rest;
}
