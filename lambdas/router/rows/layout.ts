/**
 * What stands where in the memory of the row machine, and how a row program is laid out. Written by row-program.ts and
 * row-machine.ts, read by assembly/, whose language is a TypeScript with integers: this file is both.
 *
 * Words are integers of four bytes; addresses are from the memory's begin. Up to 15 bytes past a text may be read, and
 * past a row be overwritten, since both go by sixteen bytes.
 */

/** Sixteen tables of the CRC-32, which the machine fills itself. */
export const CRC_TABLES = 0x10000;
/** Fields of the line at hand. */
export const SPANS = 0x14000;
/** The program that is loaded. */
export const PROGRAM = 0x18000;
export const PROGRAM_BYTES = 0x10000;
/** Metadata of rows: words, and the texts before and after what differs from row to row. */
const METADATA = 0x28000;
export const BEFORE = 0x28100;
export const AFTER = 0x28800;
export const METADATA_TEXT_BYTES = 0x700;
/** The time that lines are compared with. */
const CLOCK = 0x29000;
export const CLOCK_MAX_BYTES = 64;
/** Lines: where each begins, where it ends, and its CRC-32. */
export const LINE_STARTS = 0x2a000;
export const LINE_ENDS = 0x2e000;
export const LINE_CRCS = 0x32000;
export const LINES_MAX = 4_096;
/** Bytes that the lines are part of. */
export const INPUT = 0x40000;
export const INPUT_BYTES = 0x10000;
/** Rows, as many as the largest piece of a LineBuffer holds. */
export const OUTPUT = 0x60000;
export const OUTPUT_MAX_BYTES = 0x100000;
/** WebAssembly's pages of 64 KiB. */
export const MEMORY_PAGES = 24;

/** A longer line is left to the general path; so no text is too long for SUPER, and no row for COPY. */
export const LINE_MAX_BYTES = 2_000;

/** program := words of PROGRAM_*, lists and texts that they point to */
export const PROGRAM_FORMAT = 0;
export const PROGRAM_SLOTS = 4;
/** Members of JSON's top, or steps of an access log. */
export const PROGRAM_PARTS = 8;
export const PROGRAM_PARTS_END = 12;
export const PROGRAM_COLUMNS = 16;
export const PROGRAM_COLUMNS_END = 20;
export const PROGRAM_UNTAKEN = 24;
export const PROGRAM_UNTAKEN_END = 28;
/** Slot of the event time, -1 where there is none. */
export const PROGRAM_TIME_SLOT = 32;
/** Characters of an event time up to the colon before its seconds. */
export const PROGRAM_MINUTE_CHARS = 36;
/** The text after an access log's last field. */
export const PROGRAM_AFTER = 40;
export const PROGRAM_AFTER_LENGTH = 44;
/** Room that a row needs besides its metadata: so much, and so many times the line. */
export const PROGRAM_ROOM = 48;
export const PROGRAM_ROOM_LINES = 52;
export const PROGRAM_WORDS = 14;

export const FORMAT_JSON = 1;
export const FORMAT_ACCESS = 2;
export const FORMAT_RAW = 3;

/** span := kind from to marks, of a field; what a JSON text holds besides printable ASCII is in its marks */
export const SPAN_KIND = 0;
export const SPAN_FROM = 4;
export const SPAN_TO = 8;
export const SPAN_MARKS = 12;
export const SPAN_BYTES = 16;
export const SLOTS_MAX = 512;

export const KIND_ABSENT = 0;
export const KIND_NONE = 1;
export const KIND_TEXT = 2;
export const KIND_NUMBER = 3;
export const KIND_BOOLEAN = 4;
export const KIND_ARRAY = 5;

/** A character of more than one byte; the other bits of the marks count escapes. */
export const MARK_WIDE = 1;
export const MARK_ESCAPE = 2;

/** member := the text `"name":`, the slot or -1 where the line is not plain, members below, slots of rivals */
export const MEMBER_NAME = 0;
export const MEMBER_NAME_LENGTH = 4;
export const MEMBER_SLOT = 8;
export const MEMBER_BELOW = 12;
export const MEMBER_BELOW_END = 16;
export const MEMBER_RIVALS = 20;
export const MEMBER_RIVALS_END = 24;
export const MEMBER_BYTES = 28;

/** step := the text before the field, its form, a byte for each that it may hold (0: plain text), the slot */
export const STEP_BEFORE = 0;
export const STEP_BEFORE_LENGTH = 4;
export const STEP_FORM = 8;
export const STEP_HOLDS = 12;
export const STEP_MAY_BE_EMPTY = 16;
export const STEP_SLOT = 20;
export const STEP_BYTES = 24;

export const FORM_OTHER = 0;
export const FORM_REQUEST = 1;
export const FORM_IDENT = 2;
export const FORM_LIST = 3;

/** column := the slot, the text `,"name":`, whether it may be without a value, how it is written, texts that are no value */
export const COLUMN_SLOT = 0;
export const COLUMN_KEY = 4;
export const COLUMN_KEY_LENGTH = 8;
export const COLUMN_NULLABLE = 12;
export const COLUMN_WRITE = 16;
/** Bytes of a text, digits of a smallint or integer, digits before the point of a decimal. */
export const COLUMN_LIMIT = 20;
/** Digits after the point of a decimal; whether a text is of ASCII only. */
export const COLUMN_DETAIL = 24;
export const COLUMN_NULLS = 28;
export const COLUMN_NULLS_END = 32;
export const COLUMN_BYTES = 36;

export const WRITE_TEXT = 1;
export const WRITE_INTEGER = 2;
export const WRITE_SUPER = 3;
export const WRITE_DECIMAL = 4;
export const WRITE_FLOAT = 5;
export const WRITE_BOOLEAN = 6;

/** text := address length, in lists of texts; of untaken fields with the slot before */
export const TEXT_BYTES = 8;
export const UNTAKEN_BYTES = 12;

/** metadata := lengths of the two texts, where the seconds stand in the first (0: nowhere), bytes of its rows at most */
export const METADATA_BEFORE_LENGTH = METADATA;
export const METADATA_AFTER_LENGTH = METADATA + 4;
export const METADATA_SECONDS = METADATA + 8;
export const METADATA_MAX_BYTES = METADATA + 12;

/** clock := length of the time's text (0: none is known), the text */
export const CLOCK_LENGTH = CLOCK;
export const CLOCK_TEXT = CLOCK + 16;
