import { button, element, setText } from "./elements.js";
import { duration, grouped, size } from "./figures.js";
import { counted } from "./words.js";

/** What stands at the river: the parts that lines pass, with their figures. Each opens what it holds. */

const NAMES = {
  files: "Files",
  kinesis: "Kinesis",
  router: "Router",
  basin: "",
  s3: "S3",
  warehouse: "Warehouse",
};

export class Stations {
  #details = {};
  #basin;

  /** @param open by the name of a station */
  constructor(list, open) {
    for (const [name, title] of Object.entries(NAMES)) {
      const details = [element("span"), element("span")];
      const opener = button(open[name], { term: name }, element("b", {}, title), ...details);
      const item = element("li", { className: name }, opener);
      this.#details[name] = details;
      if (name === "basin") this.#basin = item;
      list.append(item);
    }
  }

  show(snapshot) {
    for (const [name, lines] of Object.entries(details(snapshot))) {
      for (const [i, { text, bad }] of lines.entries()) {
        setText(this.#details[name][i], text);
        this.#details[name][i].classList.toggle("bad", bad === true);
      }
    }
    const rejected = Object.values(snapshot.types).reduce((sum, flow) => sum + flow.rejected, 0);
    setText(this.#details.basin[0], `${grouped(rejected)} rejected`);
    setText(this.#details.basin[1], ", kept in S3");
    this.#basin.classList.toggle("empty", rejected === 0);
  }
}

/** What is written under each station's name. */
function details({ agent, kinesis, router, lake, warehouse, types }) {
  const left = agent.files.reduce((sum, file) => sum + Math.max(0, file.sizeBytes - file.deliveredBytes), 0);
  const late = Math.max(0, ...kinesis.shards.map(({ millisBehind }) => millisBehind));
  const loaded = Object.values(types).reduce((sum, flow) => sum + (flow.loaded ?? 0), 0);
  return {
    files: [
      {
        text: counted(
          agent.files.reduce((sum, { count = 1 }) => sum + count, 0),
          "file",
        ),
      },
      { text: left === 0 ? "all sent" : `${size(left)} behind` },
    ],
    kinesis: [
      { text: counted(kinesis.shards.length, "shard") },
      { text: `${duration(late / 1_000)} behind` },
    ],
    router: [
      { text: counted(router.invocations, "batch", "batches") },
      trouble(router.errors, lake.quarantined),
    ],
    s3: [{ text: counted(lake.objects, "object") }, { text: size(lake.bytes) }],
    warehouse: [
      { text: `${grouped(loaded)} rows` },
      warehouse.failedLoads === 0
        ? { text: counted(warehouse.loads, "load") }
        : { text: `${counted(warehouse.failedLoads, "load")} failed`, bad: true },
    ],
  };
}

/** What went wrong on the way through the router. */
function trouble(errors, quarantined) {
  if (errors > 0) return { text: counted(errors, "error"), bad: true };
  if (quarantined > 0) return { text: `${counted(quarantined, "record")} quarantined`, bad: true };
  return { text: "no errors" };
}
