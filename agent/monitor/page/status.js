import { Chart } from "./charts.js";
import { duration, grouped, rate, short, size } from "./figures.js";
import { showFiles, showInputs, showShards } from "./tables.js";

/** Asks every two seconds, and draws what has come. */

const EVERY_MS = 2_000;
/** How long the agent keeps samples; the page keeps no more. */
const WINDOW_SECONDS = 900;
/** Lines in the chart of shards: those that took the most. */
const SHARDS_DRAWN = 6;

const byId = (id) => document.getElementById(id);
const perSecond = (bytes) => `${size(bytes)}/s`;
const charts = {
  throughput: new Chart(byId("throughput-chart"), perSecond, 1_000),
  lag: new Chart(byId("lag-chart"), duration, 1),
  waiting: new Chart(byId("waiting-chart"), size, 1_000),
  throttles: new Chart(byId("throttles-chart"), short, 1),
  shards: new Chart(byId("shards-chart"), perSecond, 1_000),
  latency: new Chart(byId("latency-chart"), duration, 0.01),
};

/** The history as far as it has come, oldest first. */
let times = [];
let series = {};
let shards = {};

function take(history) {
  for (const [name, values] of Object.entries(history.series)) (series[name] ??= []).push(...values);
  // One that is gone may have given its place to another.
  for (const shard of Object.keys(shards)) if (!(shard in history.shards)) delete shards[shard];
  for (const [shard, values] of Object.entries(history.shards)) {
    shards[shard] ??= Array(times.length).fill(0);
    shards[shard].push(...values);
  }
  times.push(...history.times);
  const old = times.findIndex((time) => time >= times.at(-1) - WINDOW_SECONDS * 1_000);
  if (old > 0)
    for (const values of [times, ...Object.values(series), ...Object.values(shards)]) values.splice(0, old);
}

function draw() {
  if (times.length === 0) return;
  const seconds = times.map((time) => time / 1_000);
  // Young agents fill the picture, too.
  const span = Math.min(WINDOW_SECONDS, Math.max(60, seconds.at(-1) - seconds[0]));
  const line = (label, colour, values) => ({ label, colour, values });
  charts.throughput.show(seconds, span, [
    line("read", 1, series.readBytes),
    line("acknowledged", 0, series.sentBytes),
  ]);
  charts.lag.show(seconds, span, [line("the file that lags the most", "bad", series.lagSeconds)]);
  charts.waiting.show(seconds, span, [
    line("not delivered", 2, series.undeliveredBytes),
    line("in the queue", 0, series.bufferedBytes),
    line("in the spool", 1, series.spoolBytes),
  ]);
  charts.throttles.show(seconds, span, [
    line("sent again", 5, series.retries),
    line("throttled", "bad", series.throttles),
  ]);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const busiest = Object.entries(shards).sort(([, a], [, b]) => sum(b) - sum(a));
  const drawn = busiest.slice(0, SHARDS_DRAWN).sort(([a], [b]) => (a < b ? -1 : 1));
  charts.shards.show(
    seconds,
    span,
    drawn.map(([shard, values], i) => line(shard.replace(/^shardId-0*(?=\d)/, "shard "), i, values)),
  );
  const mean = series.requestSeconds.map((total, i) =>
    series.requests[i] > 0 ? total / series.requests[i] : null,
  );
  charts.latency.show(seconds, span, [line("per request", 3, mean)]);
}

function setText(id, text) {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
}

function setBig(id, text, isBad) {
  setText(id, text);
  byId(id).dataset.state = isBad ? "bad" : "good";
}

function showState({ ok, problems }) {
  byId("state").dataset.state = ok ? "good" : "bad";
  setText("state", ok ? "All is moving" : "Needs a look");
  const items = problems.map((problem) => {
    const item = document.createElement("li");
    item.textContent = problem;
    return item;
  });
  byId("problems").replaceChildren(...items);
}

function showTiles({ totals, buffer, spool, files }) {
  const { lagSeconds, undeliveredBytes, failing, missing, waiting } = totals;
  setBig("behind", duration(lagSeconds), lagSeconds >= 60);
  setText("behind-detail", `${size(undeliveredBytes)} not delivered`);
  setBig("sending", perSecond(totals.bytesPerSecond), false);
  const lines = series.sentLines?.at(-1) ?? 0;
  setText(
    "sending-detail",
    `${rate(lines, "lines")}, checkpoint ${duration(totals.checkpointAgeSeconds)} ago`,
  );
  setBig("queue", size(buffer.bytes), false);
  byId("queue-meter").value = buffer.bytes / buffer.maxBytes;
  setText("queue-detail", `of ${size(buffer.maxBytes)}; then reading pauses`);
  showSpool(spool);
  const throttles = series.throttles?.at(-1) ?? 0;
  setBig("refusals", rate(throttles), throttles > 0);
  setText("refusals-detail", `${rate(series.retries?.at(-1) ?? 0)} sent again`);
  const { rotated, truncated, lost, abandonedBytes } = totals;
  const shown =
    files.rows.length < files.matching
      ? `${files.rows.length} of ${grouped(files.matching)} shown, worst first; `
      : "";
  const trouble = [
    failing > 0 ? `, ${failing} cannot be read` : "",
    missing > 0 ? `, ${missing} missing` : "",
    waiting > 0 ? `, ${waiting} not read yet` : "",
    lost > 0 ? `, ${lost} lost` : "",
    abandonedBytes > 0 ? `, ${size(abandonedBytes)} truncated unread` : "",
  ].join("");
  setText(
    "files-detail",
    `${shown}${grouped(totals.files)} sources, ${grouped(totals.open)} open, ${grouped(rotated)} rotated, ${grouped(truncated)} truncated${trouble}`,
  );
}

function showSpool(spool) {
  byId("spool-meter").hidden = !spool;
  if (!spool) {
    setBig("spool", "none", false);
    return setText("spool-detail", "nothing is pushed");
  }
  const { bytes, waitingBytes, maxBytes } = spool;
  setBig(
    "spool",
    waitingBytes > 0 ? size(waitingBytes) : "empty",
    spool.error !== undefined || spool.droppedLines > 0,
  );
  // The last segment stays when all of it is delivered: nothing of it takes room from what comes.
  byId("spool-meter").value = waitingBytes > 0 ? bytes / maxBytes : 0;
  const on =
    waitingBytes > 0
      ? `wait, ${size(bytes)} of ${size(maxBytes)} on disk`
      : `nothing waits; room for ${size(maxBytes)}`;
  const oldest = spool.oldestAgeSeconds > 0 ? `, oldest ${duration(spool.oldestAgeSeconds)}` : "";
  const dropped = spool.droppedLines > 0 ? `, ${grouped(spool.droppedLines)} left out` : "";
  setText("spool-detail", spool.error ?? `${on}${oldest}${dropped}`);
}

function show(overview, search) {
  const { host, agent, stream, shards: taken, files, missing, inputs } = overview;
  setText("host", host);
  document.title = `${overview.health.ok ? "" : "! "}${host} · Weir agent`;
  showState(overview.health);
  showTiles(overview);
  showFiles(byId("files"), { rows: files.rows, missing: search === "" ? missing : [], search });
  showShards(byId("shards"), taken);
  showInputs(byId("inputs"), inputs);
  setText(
    "about",
    `Version ${agent.version}, Node ${agent.node}, process ${agent.pid} since ${agent.startedAt}. Stream ${stream}, ${taken.open} shards.`,
  );
}

async function refresh() {
  const search = byId("search").value.trim();
  const query = new URLSearchParams({ search, since: `${times.at(-1) ?? 0}` });
  try {
    const response = await fetch(`/status.json?${query}`);
    if (!response.ok) throw new Error(`${response.status}`);
    const overview = await response.json();
    take(overview.history);
    show(overview, search);
    if (overview.history.times.length > 0) draw();
  } catch {
    byId("state").dataset.state = "bad";
    setText("state", "The agent does not answer");
  }
}

/** One question at a time: answers must not overtake one another. */
let asking = Promise.resolve();
function ask() {
  asking = asking.then(refresh);
  return asking;
}

async function follow() {
  for (;;) {
    await ask();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

byId("search").addEventListener("input", () => void ask());
void follow();
