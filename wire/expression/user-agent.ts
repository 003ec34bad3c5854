import Bowser from "bowser";

export const USER_AGENT_PARTS = ["browser", "version", "os", "osVersion", "device"] as const;
export type UserAgentPart = (typeof USER_AGENT_PARTS)[number];

/** Longer ones are cut: what tells browsers apart stands before, and each of bowser's patterns looks at all of it. */
const USER_AGENT_MAX_CHARS = 512;

/** Texts remembered: a site sees few, again and again, and one costs some 40 microseconds. */
const REMEMBERED = 4_096;

const remembered = new Map<string, Readonly<Record<UserAgentPart, string | undefined>>>();

/** @returns undefined where the user agent does not tell */
export function userAgentPart(userAgent: string, part: UserAgentPart): string | undefined {
  const text = userAgent.slice(0, USER_AGENT_MAX_CHARS);
  let parts = remembered.get(text);
  if (parts === undefined) {
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(text, (parts = partsOf(text)));
  }
  return parts[part];
}

function partsOf(text: string): Readonly<Record<UserAgentPart, string | undefined>> {
  if (text === "") return NOTHING;
  const { browser, os, platform } = Bowser.parse(text);
  return {
    browser: known(browser.name),
    version: known(browser.version),
    os: known(os.name),
    osVersion: known(os.versionName) ?? known(os.version),
    device: known(platform.type),
  };
}

const NOTHING = {
  browser: undefined,
  version: undefined,
  os: undefined,
  osVersion: undefined,
  device: undefined,
};

const known = (text: string | undefined): string | undefined => (text === "" ? undefined : text);
