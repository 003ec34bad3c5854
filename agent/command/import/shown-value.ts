/** Settings whose values are no secrets, and say more than their names. */
const TOLD = new Set(
  (
    "@type type flush_mode self_hostname version pos_file format time_key time_format partition_key compression types buffer_type encoding " +
    "from_encoding assume_role_arn log_level @log_level @id path_key flush_interval Format Types TimeParse TimeKey " +
    "TimeFormat FieldName Regexp partitionKeyOption truncatedRecordTerminator checkpointFile initialPosition"
  ).split(" "),
);

const PLAIN = /^(?:-?\d+(?:\.\d+)?[a-z]{0,2}|true|false|yes|no|null|on|off)$/i;
const SECRET = /pass|secret|sec_?key|key_?id|access_?key|token|auth|cred|private|shared|salt|sign|user/i;

/** Whether a text of this name may be a secret, or hold one. */
export function mayBeSecret(name: string, text: string): boolean {
  return SECRET.test(name) || /key|dsn|webhook/i.test(name) || /:\/\/[^/\s]*@/.test(text);
}

/**
 * A setting of another configuration as it may be shown: its value only where it cannot be a secret.
 *
 * @param equals stands between name and value
 */
export function shownSetting(key: string, value: unknown, equals = " "): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const isPlain = TOLD.has(key) || (PLAIN.test(text) && !SECRET.test(key));
  if (!isPlain || text === "") return key;
  return `${key}${equals}${equals === " " ? text : JSON.stringify(value)}`;
}
