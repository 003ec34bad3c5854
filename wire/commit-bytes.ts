import type { ClosedGap, Source } from "./provenance.ts";

/**
 * What parts of a commit take in JSON, at most: so that what makes it too large is known before it is made.
 * Grammar: commit.ts.
 */

/** Digits of 2^53 - 1, the largest offset. */
const OFFSET_DIGITS = 16;

/** A range that ends at `to`, as one of several. */
export const rangeBytes = (to: number): number => "[,],".length + 2 * digits(to);

/** A gap, as one of several. */
export const gapBytes = ({ to, source }: Pick<ClosedGap, "to" | "source">): number =>
  '{"from":,"to":,"reason":"unreadable","lines":},'.length +
  3 * digits(to) +
  (source === undefined ? 0 : EARLIER_BYTES + source.length);

/** What a gap of reason earlier-identity has more. */
const EARLIER_BYTES = '"source":"",'.length + "earlier-identity".length - "unreadable".length;

/**
 * A source without gaps, types and conflicts, as one of several; with what its last range may grow by. Agents close
 * their aggregates by it (provenance.ts), so it stays as it is: routers would quarantine what older agents send.
 */
export const sourceBytes = ({ id, host, path }: Source): number =>
  '{"id":"","host":,"path":,"ranges":[],"gaps":[],"types":[]},'.length +
  OFFSET_DIGITS +
  id.length +
  jsonBytes(host) +
  jsonBytes(path);

/** Digits of more lines than a batch may have: 500,000 in each of 10,000 records. */
const LINES_DIGITS = 10;

/** How many lines of a source conflict. */
export const CONFLICTS_BYTES = '"conflicts":,'.length + LINES_DIGITS;

/** A log type of a source, as one of several. */
export const typeBytes = (type: string): number => jsonBytes(type) + ",".length;

const digits = (number: number): number => `${number}`.length;
const jsonBytes = (text: string): number => Buffer.byteLength(JSON.stringify(text));
