/** What an agent says of its host besides the name: where it runs, what it is for. By name. */
export type Labels = Readonly<Record<string, string>>;

export const LABELS_MAX = 32;
export const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;
export const LABEL_NAME_RULE = "a letter or _, then letters, digits and _, at most 63";
const VALUE_MAX_BYTES = 256;
// eslint-disable-next-line no-control-regex
const CONTROL = /[\0-\x1f\x7f]/;

/** True for what a label may hold: every aggregate states it. */
export function isLabelValue(value: string): boolean {
  return Buffer.byteLength(value) <= VALUE_MAX_BYTES && !CONTROL.test(value);
}

/** What fields of labels begin with: `_labels.zone`. */
export const LABEL_FIELD = "_labels.";

/** @returns the label that a field names, undefined for any other field */
export function labelOf(field: string): string | undefined {
  const name = field.startsWith(LABEL_FIELD) ? field.slice(LABEL_FIELD.length) : "";
  return LABEL_NAME.test(name) ? name : undefined;
}
