import { Chart } from "./charts.js";
import { showConditions } from "./conditions.js";
import { grouped, short, size } from "./figures.js";
import { behind, Flow } from "./flow.js";
import { History } from "./history.js";
import { openObjects } from "./lake-views.js";
import { showLedger, showProblems } from "./ledger.js";
import { Panel } from "./panel.js";
import { openFiles, openLog, openRouter, openShards, openWarehouse } from "./part-views.js";
import { openRejects, showRejects } from "./reject-view.js";
import { River } from "./river.js";
import { Stations } from "./stations.js";
import { explainTerms } from "./terms.js";
import { openType } from "./type-view.js";
import { clock, counted } from "./words.js";

/** Follows the run: one event, one picture. */

const byId = (id) => document.getElementById(id);
const flow = new Flow();
const river = new River(byId("river").querySelector("svg"));
const panel = new Panel(byId("panel"));
const stations = new Stations(byId("stations"), {
  files: () => openFiles(panel, latest),
  kinesis: () => openShards(panel, latest),
  router: () => openRouter(panel, latest),
  s3: () => openObjects(panel),
  warehouse: () => openWarehouse(panel, latest),
  basin: () => openRejects(panel, latest),
});
explainTerms(byId("tip"));
const charts = {
  rows: new Chart(byId("rows-chart"), short, 1),
  lag: new Chart(byId("lag-chart"), size, 1),
  rejected: new Chart(byId("rejected-chart"), short, 1),
};
const histories = { rows: new History(), lag: new History(), rejected: new History() };
/** Colours go by first appearance, so that a type keeps its own. */
const types = [];
let lastAtMs = 0;
/** The last snapshot. */
let latest;

const PHASES = {
  starting: () => "Starting",
  running: () => "Flowing",
  draining: () => "Draining",
  balanced: (lines) => `Balanced: ${counted(lines, "line")} accounted for`,
  unbalanced: () => "Does not balance",
};

function take(snapshot) {
  const names = [...Object.keys(snapshot.types), ...snapshot.agent.files.map(({ type }) => type)];
  for (const type of names) if (!types.includes(type)) types.push(type);
  const rates = flow.next(snapshot);
  const each = (value) => Object.fromEntries(types.map((type) => [type, value(type)]));
  histories.rows.add(
    snapshot.atMs,
    types,
    each((type) => rates[type]?.filed ?? 0),
  );
  histories.lag.add(snapshot.atMs, types, behind(snapshot));
  histories.rejected.add(
    snapshot.atMs,
    types,
    each((type) => snapshot.types[type]?.rejected ?? 0),
  );
  lastAtMs = snapshot.atMs;
  return rates;
}

function show(snapshot, rates) {
  latest = snapshot;
  showPhase(snapshot);
  byId("elapsed").textContent = clock(snapshot.elapsedSeconds);
  river.show(snapshot, types, rates);
  byId("river-text").textContent = describe(snapshot);
  stations.show(snapshot);
  showLedger(byId("ledger"), snapshot, types, (type) => openType(panel, type, latest));
  showRejects(byId("rejects"), snapshot.rejects, panel);
  panel.update(snapshot);
  showProblems(byId("problems"), snapshot);
  for (const [name, chart] of Object.entries(charts)) {
    const { times, seconds, series } = histories[name];
    chart.show(times, seconds, series);
  }
}

/** What is wrong comes before how far the run is. */
function showPhase({ phase, types, conditions = [] }) {
  const lines = Object.values(types).reduce((sum, { lines }) => sum + lines, 0);
  const [worst] = conditions;
  if (!worst || phase === "unbalanced") setPhase(phase, PHASES[phase](lines));
  else
    setPhase(
      phase,
      phase === "balanced" ? `Balanced, but: ${worst.headline}` : worst.headline,
      worst.severity,
    );
  showConditions(byId("conditions"), conditions, openCondition);
}

/** What to look at first, by the beginning of a condition's id. */
const WHERE = {
  rejected: (type) => openType(panel, type, latest),
  silent: (part) => (SILENT[part] ?? SILENT.warehouse)(),
  agent: () => openFiles(panel, latest),
  fails: (part) => openLog(panel, part),
  given: () => openShards(panel, latest),
  router: () => openShards(panel, latest),
  disk: () => openFiles(panel, latest),
};
const SILENT = {
  S3: () => openObjects(panel),
  Kinesis: () => openShards(panel, latest),
  warehouse: () => openWarehouse(panel, latest),
};

function openCondition(id) {
  const [kind, ...of] = id.split(" ");
  const open = WHERE[kind] ?? (() => openWarehouse(panel, latest));
  open(of.join(" "));
}

const STATES = { balanced: "good", unbalanced: "bad" };

/** Set only when it changes: a status is read aloud. */
function setPhase(phase, text, state = STATES[phase] ?? phase) {
  const status = byId("phase");
  status.dataset.phase = phase;
  status.dataset.state = state;
  if (status.textContent !== text) status.textContent = text;
}

function describe({ types }) {
  return Object.entries(types)
    .map(
      ([type, { lines, rows, rejected }]) =>
        `${type}: ${grouped(lines)} lines, ${grouped(rows)} rows, ${grouped(rejected)} rejected.`,
    )
    .join(" ");
}

const events = new EventSource("/events");
events.addEventListener("history", ({ data }) => {
  const history = JSON.parse(data).filter(({ atMs }) => atMs > lastAtMs);
  let rates;
  for (const snapshot of history) rates = take(snapshot);
  if (rates) show(history.at(-1), rates);
});
events.addEventListener("snapshot", ({ data }) => {
  const snapshot = JSON.parse(data);
  show(snapshot, take(snapshot));
});
events.addEventListener("error", () => {
  const { phase } = byId("phase").dataset;
  if (phase !== "balanced" && phase !== "unbalanced")
    setPhase("ended", "The run has ended, or is out of reach");
});
