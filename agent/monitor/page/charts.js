import uPlot from "./uplot.js";

/** The last minutes as lines. */

const HEIGHT = 148;

export class Chart {
  #host;
  #legend;
  #format;
  #least;
  #data = [[]];
  #series = [];
  #windowSeconds = 60;
  #plot;

  /**
   * @param format of a value on the axis
   * @param least that the axis goes to, whatever the values
   */
  constructor(host, format, least) {
    this.#format = format;
    this.#least = least;
    this.#legend = document.createElement("p");
    this.#legend.className = "legend";
    this.#host = document.createElement("div");
    host.append(this.#legend, this.#host);
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(host);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** @param series { label, colour, values } each */
  show(times, windowSeconds, series) {
    this.#windowSeconds = windowSeconds;
    this.#data = [times, ...series.map(({ values }) => values)];
    const isSame =
      this.#plot !== undefined &&
      series.length === this.#series.length &&
      series.every(({ label, colour }, i) => {
        const before = this.#series[i];
        return before.label === label && before.colour === colour;
      });
    this.#series = series.map(({ label, colour }) => ({ label, colour }));
    if (isSame) this.#plot.setData(this.#data);
    else this.#draw();
  }

  #draw() {
    this.#plot?.destroy();
    this.#legend.replaceChildren(...this.#series.map(legendEntry));
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => resolve(style.getPropertyValue(name));
    const grid = { stroke: colour("--line"), width: 1 };
    const axis = { stroke: colour("--quiet"), grid, ticks: { show: false }, font: "12px system-ui" };
    const window = (_, __, last) => [last - this.#windowSeconds, last];
    this.#plot = new uPlot(
      {
        ...this.#size(),
        cursor: { show: false },
        legend: { show: false },
        scales: {
          x: { range: window },
          y: { range: (_, __, most) => [0, Math.max(this.#least, most * 1.1)] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 28,
            space: 80,
            values: (_, splits) => splits.map(timeOfDay),
          },
          { ...axis, size: 62, space: 34, values: (_, splits) => splits.map((value) => this.#format(value)) },
        ],
        series: [
          {},
          ...this.#series.map(({ label, colour: name }) => ({
            label,
            stroke: colour(name === "bad" ? "--bad" : `--series-${name}`),
            width: 2,
            points: { show: false },
          })),
        ],
      },
      this.#data,
      this.#host,
    );
  }

  #size() {
    return { width: this.#host.clientWidth, height: HEIGHT };
  }
}

function legendEntry({ label, colour }) {
  const entry = document.createElement("span");
  entry.className = `series-${colour}`;
  entry.textContent = label;
  return entry;
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
