import { isTimeZone } from "../../../wire/time-zone.ts";
import { type Zone, zoneOf } from "./zone.ts";

/**
 * Abbreviations that logs have, where they mean one zone: BST and IST do not.
 * source: RFC 5322, section 4.3, for those of North America
 */
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  GMT: "UTC",
  UT: "UTC",
  EST: "-05:00",
  EDT: "-04:00",
  CST: "-06:00",
  CDT: "-05:00",
  MST: "-07:00",
  MDT: "-06:00",
  PST: "-08:00",
  PDT: "-07:00",
  WET: "UTC",
  WEST: "+01:00",
  CET: "+01:00",
  CEST: "+02:00",
  MET: "+01:00",
  EET: "+02:00",
  EEST: "+03:00",
  MSK: "+03:00",
  JST: "+09:00",
  KST: "+09:00",
  AEST: "+10:00",
  AEDT: "+11:00",
};

const MAX_REMEMBERED = 256;

/** Zones by the names that lines have: asked for by whoever writes lines, so few are remembered. */
export class ZoneNames {
  readonly #own: Readonly<Record<string, string>>;
  readonly #zones = new Map<string, Zone | undefined>();

  /** @param own abbreviations that mean another zone here, or one that is not known */
  constructor(own: Readonly<Record<string, string>> = {}) {
    this.#own = own;
  }

  zone(name: string): Zone | undefined {
    if (this.#zones.has(name)) return this.#zones.get(name);
    const full = this.#fullName(name);
    const zone = isTimeZone(full) ? zoneOf(full) : undefined;
    if (this.#zones.size >= MAX_REMEMBERED) this.#zones.clear();
    this.#zones.set(name, zone);
    return zone;
  }

  #fullName(name: string): string {
    if (Object.hasOwn(this.#own, name)) return this.#own[name]!;
    return Object.hasOwn(ABBREVIATIONS, name) ? ABBREVIATIONS[name]! : name;
  }
}
