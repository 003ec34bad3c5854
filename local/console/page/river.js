import { rate } from "./figures.js";
import { STRETCHES } from "./flow.js";

/**
 * The picture: each log type is a ribbon from the host's files through stream and router to the lake
 * and the warehouse; what is rejected falls off at the router. A ribbon is as wide as its rate.
 *
 * It flows from left to right below the stations, and from top to bottom beside them where there is little room.
 */

const SVG = "http://www.w3.org/2000/svg";
const ENDS = { sent: [0, 1], routed: [1, 2], filed: [2, 3], loaded: [3, 4], rejected: [2, undefined] };

/** How far the lanes of the types spread at each station. */
const SPREAD = [1, 0.36, 0.36, 1, 1];

/** Width of the page up to which it flows down: as in style.css. */
const NARROW = matchMedia("(max-width: 640px)");

/** Places along the way down, from the top: as the rows of the list beside it are high. */
const DOWN = { stations: [42, 126, 210, 326, 410], basin: 268, length: 452 };
const ACROSS = { top: 78, basin: 26, least: 208, most: 76, name: 21 };

/** A ribbon at the highest rate there was lately, and the thinnest that flows. */
const WIDEST = 22;
const THINNEST = 2;

/** How fast that highest rate is forgotten, a snapshot. */
const FORGET = 0.995;

export class River {
  #svg;
  #lanes = new Map();
  #bars;
  #highest = 1;
  #widest = WIDEST;
  #size = "";

  constructor(svg) {
    this.#svg = svg;
    this.#bars = SPREAD.map(() => this.#element("rect", "bar"));
    for (const bar of this.#bars) bar.setAttribute("rx", 3);
    new ResizeObserver(() => this.#layOut()).observe(svg.parentElement);
  }

  /** @param types in the order of their colours @param rates of flow.js */
  show(snapshot, types, rates) {
    const added = types.filter((type) => !this.#lanes.has(type));
    for (const type of added) this.#addLane(type, types.indexOf(type));
    if (added.length > 0) this.#layOut(true);
    const all = types.flatMap((type) => STRETCHES.map((stretch) => rates[type]?.[stretch] ?? 0));
    this.#highest = Math.max(1, this.#highest * FORGET, ...all);
    for (const [type, lane] of this.#lanes) this.#showLane(lane, rates[type], snapshot.types[type]);
  }

  #addLane(type, colour) {
    const group = this.#element("g", `series-${colour % 6}`);
    this.#svg.prepend(group);
    const ribbons = {};
    for (const stretch of STRETCHES) {
      const part = this.#element("g", stretch === "rejected" ? "still rejecting" : "still", group);
      const paths = ["bed", "ribbon", "current"].map((name) => this.#element("path", name, part));
      ribbons[stretch] = { part, paths };
    }
    const labels = { name: "type-name", sent: "rate", filed: "rate" };
    for (const [label, name] of Object.entries(labels)) labels[label] = this.#element("text", name, group);
    labels.filed.setAttribute("text-anchor", "end");
    this.#lanes.set(type, { type, ribbons, labels });
  }

  #showLane({ ribbons, labels }, rates, flow) {
    for (const [stretch, { part, paths }] of Object.entries(ribbons)) {
      const lines = rates?.[stretch] ?? 0;
      // The root keeps a slow type visible beside a fast one.
      const width = lines > 0 ? Math.max(THINNEST, this.#widest * Math.sqrt(lines / this.#highest)) : 0;
      const [, ribbon, current] = paths;
      ribbon.style.strokeWidth = `${width.toFixed(1)}px`;
      current.style.strokeWidth = `${Math.min(3, width / 2).toFixed(1)}px`;
      part.setAttribute(
        "class",
        `${lines > 0 ? "flowing" : "still"}${stretch === "rejected" ? " rejecting" : ""}`,
      );
    }
    ribbons.loaded.part.style.display = flow && flow.loaded === undefined ? "none" : "";
    labels.sent.textContent = rate(rates?.sent ?? 0);
    labels.filed.textContent = rate(rates?.filed ?? 0);
  }

  /** Places everything for the room there is. @param again though that is the same */
  #layOut(again = false) {
    const lanes = [...this.#lanes.values()];
    const way = NARROW.matches
      ? wayDown(this.#svg.clientWidth, lanes.length)
      : wayAcross(this.#svg.clientWidth, lanes.length);
    const size = `0 0 ${way.width} ${way.height}`;
    if (way.width === 0 || (size === this.#size && !again)) return;
    this.#size = size;
    this.#svg.setAttribute("viewBox", size);
    this.#svg.style.height = `${way.height}px`;
    this.#widest = Math.max(THINNEST, Math.min(WIDEST, way.gap * 0.4));
    for (const [i, bar] of this.#bars.entries()) {
      for (const [name, value] of Object.entries(way.bar(i))) bar.setAttribute(name, value);
    }
    for (const [i, { type, ribbons, labels }] of lanes.entries()) {
      for (const [stretch, { paths }] of Object.entries(ribbons)) {
        const [from, to] = ENDS[stretch];
        const shape = to === undefined ? way.fall(i) : way.curve(way.at(i, from, 3), way.at(i, to, -3));
        for (const path of paths) path.setAttribute("d", shape);
      }
      for (const label of Object.values(labels)) label.style.display = NARROW.matches ? "none" : "";
      if (!NARROW.matches) this.#placeLabels(labels, type, i, lanes.length, way);
    }
  }

  /** Puts names on the side away from the middle, to which the ribbon does not bend. */
  #placeLabels({ name, sent, filed }, type, i, lanes, way) {
    const away = i <= (lanes - 1) / 2 ? -(this.#widest / 2 + 5) : this.#widest / 2 + 14;
    const [x, y] = way.at(i, 0, 12);
    const [right] = way.at(i, 3, -12);
    const room = (way.at(i, 1, 0)[0] - x) * 0.9 - RATE_WIDTH;
    place(name, x, y + away);
    place(sent, x + fit(name, type, room) + 8, y + away);
    place(filed, right, way.at(i, 3, 0)[1] + away);
  }

  #element(tag, name, parent = this.#svg) {
    const element = document.createElementNS(SVG, tag);
    element.setAttribute("class", name);
    return parent.appendChild(element);
  }
}

/** A rate such as "12.3K/s". */
const RATE_WIDTH = 56;

/** The way from left to right: as high as the names of all lanes need. */
function wayAcross(width, lanes) {
  const length = Math.max(ACROSS.least, 30 + lanes * ACROSS.name);
  const gap = Math.min(ACROSS.most, (length - 30) / Math.max(1, lanes - 0.4));
  const middle = ACROSS.top + length / 2;
  const x = SPREAD.map((_, i) => (width * (2 * i + 1)) / (2 * SPREAD.length));
  const at = (lane, station, off) => [
    x[station] + off,
    middle + (lane - (lanes - 1) / 2) * gap * SPREAD[station],
  ];
  const bottom = ACROSS.top + length + ACROSS.basin;
  const basin = x[2] + (x[3] - x[2]) * 0.3;
  const spread = Math.min(4, 60 / Math.max(1, lanes));
  return {
    width,
    height: bottom + 28,
    gap,
    at,
    curve: ([x1, y1], [x2, y2]) => {
      const bend = (x2 - x1) / 2;
      return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
    },
    fall: (lane) => {
      const [x1, y1] = at(lane, 2, 3);
      const [x2, y2] = [basin + (lane - (lanes - 1) / 2) * spread, bottom];
      return `M${x1} ${y1}C${x1 + (x2 - x1) * 0.8} ${y1} ${x2} ${y1 + (y2 - y1) * 0.25} ${x2} ${y2}`;
    },
    bar: (i) => ({ x: x[i] - 3, y: ACROSS.top, width: 6, height: length }),
  };
}

/** The way from top to bottom. */
function wayDown(width, lanes) {
  const room = width - 24;
  const gap = Math.min(22, room / Math.max(1, lanes));
  const y = DOWN.stations;
  const at = (lane, station, off) => [
    width / 2 + (lane - (lanes - 1) / 2) * gap * SPREAD[station],
    y[station] + off,
  ];
  return {
    width,
    height: DOWN.length,
    gap,
    at,
    curve: ([x1, y1], [x2, y2]) => {
      const bend = (y2 - y1) / 2;
      return `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`;
    },
    fall: (lane) => {
      const [x1, y1] = at(lane, 2, 3);
      return `M${x1} ${y1}C${x1} ${DOWN.basin} ${x1} ${DOWN.basin} ${width} ${DOWN.basin}`;
    },
    bar: (i) => ({ x: 4, y: y[i] - 3, width: width - 8, height: 6 }),
  };
}

/** Writes as much of a name as there is room for. @returns how wide it is */
function fit(label, name, room) {
  label.textContent = name;
  for (let kept = name.length; kept > 1 && label.getComputedTextLength() > room;) {
    kept = Math.min(kept - 1, Math.floor((kept * room) / label.getComputedTextLength()));
    label.textContent = `${name.slice(0, Math.max(1, kept - 1))}…`;
  }
  return label.getComputedTextLength();
}

function place(text, x, y) {
  text.setAttribute("x", x.toFixed(1));
  text.setAttribute("y", y.toFixed(1));
}
