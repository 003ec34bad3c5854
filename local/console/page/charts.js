import uPlot from "./uplot.js";

/** The last minutes as lines, one for each type. */

const KEPT_POINTS = 600;
const HEIGHT = 150;

export class Chart {
  #host;
  #format;
  #types = [];
  #times = [];
  #series = new Map();
  #plot;

  /** @param format of a value on the axis */
  constructor(host, format) {
    this.#host = host;
    this.#format = format;
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** @param values by type; a type that was not there before has no line before */
  add(atMs, types, values) {
    this.#times.push(atMs / 1_000);
    for (const type of types) {
      if (!this.#series.has(type)) this.#series.set(type, Array(this.#times.length - 1).fill(null));
      this.#series.get(type).push(values[type] ?? 0);
    }
    if (this.#times.length > KEPT_POINTS)
      for (const points of [this.#times, ...this.#series.values()]) points.shift();
    this.#types = types;
  }

  show() {
    if (this.#plot?.series.length !== this.#types.length + 1) this.#draw();
    else this.#plot.setData(this.#data());
  }

  #draw() {
    this.#plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => resolve(style.getPropertyValue(name));
    const grid = { stroke: colour("--line"), width: 1 };
    const axis = { stroke: colour("--quiet"), grid, ticks: { show: false }, font: "12px system-ui" };
    this.#plot = new uPlot(
      {
        ...this.#size(),
        cursor: { show: false },
        legend: { show: false },
        scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 28,
            space: 90,
            values: (_, splits) => splits.map(timeOfDay),
          },
          { ...axis, size: 58, values: (_, splits) => splits.map((value) => this.#format(value)) },
        ],
        series: [
          {},
          ...this.#types.map((label, i) => ({
            label,
            stroke: colour(`--type-${i % 6}`),
            width: 2,
            points: { show: false },
          })),
        ],
      },
      this.#data(),
      this.#host,
    );
  }

  #data() {
    return [this.#times, ...this.#types.map((type) => this.#series.get(type))];
  }

  #size() {
    return { width: this.#host.clientWidth, height: HEIGHT };
  }
}

const timeOfDay = (seconds) => new Date(seconds * 1_000).toTimeString().slice(0, 8);

/** A canvas knows no light-dark(): the page works the colour out. */
function resolve(value) {
  const probe = document.createElement("i");
  probe.style.color = value;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
