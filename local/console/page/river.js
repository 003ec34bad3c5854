import { STRETCHES } from "./flow.js";
import { duration, grouped, rate as rateText, size } from "./figures.js";
import { counted } from "./words.js";

/**
 * The picture: each log type is a ribbon from the host's files through stream and router to the lake
 * and the warehouse; what is rejected falls off at the router. A ribbon is as wide as its rate.
 */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 340;
const MIDDLE = 182;
const MARGIN = 70;
const BAR = { top: 78, height: 208 };
const BASIN_Y = 312;

/** Stations from left to right, and how far the lanes of the types spread there. */
const STATIONS = [
  { name: "Files", spread: 1 },
  { name: "Kinesis", spread: 0.36 },
  { name: "Router", spread: 0.36 },
  { name: "S3", spread: 1 },
  { name: "Warehouse", spread: 1 },
];
const ENDS = { sent: [0, 1], routed: [1, 2], filed: [2, 3], loaded: [3, 4], rejected: [2, undefined] };

/** A ribbon at the highest rate there was lately, and the thinnest that flows. */
const WIDEST = 22;
const THINNEST = 2;

/** How fast that highest rate is forgotten, a snapshot. */
const FORGET = 0.995;

export class River {
  #svg;
  #lanes = new Map();
  #stations;
  #basin;
  #highest = 1;
  #width = 0;

  constructor(svg) {
    this.#svg = svg;
    this.#stations = STATIONS.map(({ name }) => this.#station(name));
    this.#basin = this.#label("detail bad", "middle");
    new ResizeObserver(() => this.#layOut()).observe(svg);
  }

  /** @param types in the order of their colours @param rates of flow.js */
  show(snapshot, types, rates) {
    for (const [i, type] of types.entries()) if (!this.#lanes.has(type)) this.#addLane(type, i);
    const all = types.flatMap((type) => STRETCHES.map((stretch) => rates[type]?.[stretch] ?? 0));
    this.#highest = Math.max(1, this.#highest * FORGET, ...all);
    for (const [type, lane] of this.#lanes) this.#showLane(lane, rates[type], snapshot.types[type]);
    for (const [i, lines] of details(snapshot).entries()) {
      for (const [j, { text, bad }] of lines.entries()) {
        this.#stations[i].details[j].textContent = text;
        this.#stations[i].details[j].classList.toggle("bad", bad === true);
      }
    }
    const rejected = Object.values(snapshot.types).reduce((sum, flow) => sum + flow.rejected, 0);
    this.#basin.textContent = rejected > 0 ? `${grouped(rejected)} rejected, kept in S3` : "";
  }

  #station(name) {
    const bar = this.#element("rect", "bar");
    bar.setAttribute("width", 6);
    bar.setAttribute("rx", 3);
    bar.setAttribute("y", BAR.top);
    bar.setAttribute("height", BAR.height);
    const title = this.#label("station", "middle");
    title.textContent = name;
    return { bar, title, details: [this.#label("detail", "middle"), this.#label("detail", "middle")] };
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
    const name = this.#label("type-name", "start", group);
    name.textContent = `${type} `;
    const rate = { sent: this.#element("tspan", "rate", name), filed: this.#label("rate", "end", group) };
    this.#lanes.set(type, { ribbons, name, rate });
    this.#layOut();
  }

  #showLane({ ribbons, rate }, rates, flow) {
    for (const [stretch, { part, paths }] of Object.entries(ribbons)) {
      const lines = rates?.[stretch] ?? 0;
      // The root keeps a slow type visible beside a fast one.
      const width = lines > 0 ? Math.max(THINNEST, WIDEST * Math.sqrt(lines / this.#highest)) : 0;
      const [, ribbon, current] = paths;
      ribbon.style.strokeWidth = `${width.toFixed(1)}px`;
      current.style.strokeWidth = `${Math.min(3, width / 2).toFixed(1)}px`;
      part.setAttribute(
        "class",
        `${lines > 0 ? "flowing" : "still"}${stretch === "rejected" ? " rejecting" : ""}`,
      );
    }
    ribbons.loaded.part.style.display = flow && flow.loaded === undefined ? "none" : "";
    rate.sent.textContent = rateText(rates?.sent ?? 0);
    rate.filed.textContent = rateText(rates?.filed ?? 0);
  }

  /** Places everything for the width there is. */
  #layOut() {
    const width = (this.#width = this.#svg.clientWidth || this.#width);
    if (width === 0) return;
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const x = STATIONS.map((_, i) => MARGIN + ((width - 2 * MARGIN) * i) / (STATIONS.length - 1));
    for (const [i, { bar, title, details }] of this.#stations.entries()) {
      bar.setAttribute("x", x[i] - 3);
      place(title, x[i], 26);
      place(details[0], x[i], 45);
      place(details[1], x[i], 62);
    }
    const lanes = [...this.#lanes.values()];
    const gap = Math.min(76, (BAR.height - 30) / Math.max(1, lanes.length - 0.4));
    const y = (lane, station) => MIDDLE + (lane - (lanes.length - 1) / 2) * gap * STATIONS[station].spread;
    const basinX = x[2] + (x[3] - x[2]) * 0.3;
    for (const [i, { ribbons, name, rate }] of lanes.entries()) {
      for (const [stretch, { paths }] of Object.entries(ribbons)) {
        const [from, to] = ENDS[stretch];
        const end =
          to === undefined ? [basinX + (i - (lanes.length - 1) / 2) * 4, BASIN_Y] : [x[to] - 3, y(i, to)];
        const start = [x[from] + 3, y(i, from)];
        for (const path of paths)
          path.setAttribute("d", to === undefined ? fall(start, end) : curve(start, end));
      }
      // On the side away from the middle, where the ribbon does not bend to.
      const away = i <= (lanes.length - 1) / 2 ? -18 : 27;
      place(name, x[0] + 12, y(i, 0) + away);
      place(rate.filed, x[3] - 12, y(i, 3) + away);
    }
    place(this.#basin, basinX, BASIN_Y + 18);
  }

  #label(name, anchor, parent = this.#svg) {
    const text = this.#element("text", name, parent);
    text.setAttribute("text-anchor", anchor);
    return text;
  }

  #element(tag, name, parent = this.#svg) {
    const element = document.createElementNS(SVG, tag);
    element.setAttribute("class", name);
    return parent.appendChild(element);
  }
}

/** What is written under each station's name. */
function details({ agent, kinesis, router, lake, warehouse, types }) {
  const left = agent.files.reduce((sum, file) => sum + Math.max(0, file.sizeBytes - file.deliveredBytes), 0);
  const late = Math.max(0, ...kinesis.shards.map(({ millisBehind }) => millisBehind));
  const loaded = Object.values(types).reduce((sum, flow) => sum + (flow.loaded ?? 0), 0);
  return [
    [
      { text: counted(agent.files.length, "file") },
      { text: left === 0 ? "all sent" : `${size(left)} behind` },
    ],
    [{ text: counted(kinesis.shards.length, "shard") }, { text: `${duration(late / 1_000)} behind` }],
    [{ text: counted(router.invocations, "batch", "batches") }, trouble(router.errors, lake.quarantined)],
    [{ text: counted(lake.objects, "object") }, { text: size(lake.bytes) }],
    [
      { text: `${grouped(loaded)} rows` },
      warehouse.failedLoads === 0
        ? { text: counted(warehouse.loads, "load") }
        : { text: `${counted(warehouse.failedLoads, "load")} failed`, bad: true },
    ],
  ];
}

/** What went wrong on the way through the router. */
function trouble(errors, quarantined) {
  if (errors > 0) return { text: counted(errors, "error"), bad: true };
  if (quarantined > 0) return { text: `${counted(quarantined, "record")} quarantined`, bad: true };
  return { text: "no errors" };
}

function place(text, x, y) {
  text.setAttribute("x", x.toFixed(1));
  text.setAttribute("y", y.toFixed(1));
}

/** Leaves and arrives level. */
function curve([x1, y1], [x2, y2]) {
  const bend = (x2 - x1) / 2;
  return `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

/** Leaves level and falls. */
function fall([x1, y1], [x2, y2]) {
  return `M${x1} ${y1}C${x1 + (x2 - x1) * 0.8} ${y1} ${x2} ${y1 + (y2 - y1) * 0.25} ${x2} ${y2}`;
}
