/** "UTC", an offset such as "+09:00", or a name of the IANA database such as "Europe/Berlin". */
export function isTimeZone(name: string): boolean {
  return zoneOffsetMs(name) !== undefined || isNamedZone(name);
}

const OFFSET = /^(?:[Zz]|UTC|([+-])(\d{1,2})(?::?(\d\d))?)$/;

/** The zones of the world lie between -12:00 and +14:00. */
const MAX_HOURS = 15;

/** @returns ms that a zone is ahead of UTC, undefined where its name does not say it */
export function zoneOffsetMs(name: string): number | undefined {
  const [all, sign, hours = "0", minutes = "0"] = OFFSET.exec(name) ?? [];
  if (all === undefined || Number(hours) > MAX_HOURS || Number(minutes) > 59) return undefined;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

/** Names without a slash mean what nobody expects: to ICU, BST is Bangladesh and IST India. */
function isNamedZone(name: string): boolean {
  if (!/^[A-Za-z]\w*\//.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name }).format(0);
    return true;
  } catch {
    return false; // RangeError: no such zone
  }
}
