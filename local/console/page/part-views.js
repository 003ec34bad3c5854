import { button, element, table } from "./elements.js";
import { logOf } from "./log-view.js";
import { duration, grouped, size } from "./figures.js";
import { openRejects } from "./reject-view.js";

/** What opens from a station of the river: the host's files, the stream's shards, what router and loader print. */

const FILES = [
  { name: "File" },
  { name: "Type" },
  { name: "Size", number: true, term: "size" },
  { name: "Delivered", number: true, term: "delivered" },
  { name: "Behind", number: true, term: "behind" },
];

export function openFiles(panel, snapshot) {
  panel.open("Files on this host", ({ body }) => {
    const rows = ({ agent }) =>
      agent.files.map(({ path, type, sizeBytes, deliveredBytes }) => [
        path,
        type,
        grouped(sizeBytes),
        grouped(deliveredBytes),
        size(Math.max(0, sizeBytes - deliveredBytes)),
      ]);
    const files = table("Files", FILES, rows(snapshot));
    body.replaceChildren(
      element(
        "p",
        {},
        "The agent reads each file to its end, and goes on where Kinesis has acknowledged it.",
      ),
      files,
      openers([["The agent's log", () => openLog(panel, "agent")]]),
    );
    return (snapshot) => files.update(rows(snapshot));
  });
}

const SHARDS = [
  { name: "Shard" },
  { name: "Behind", number: true, term: "millisBehind" },
  { name: "Records/s", number: true, term: "recordsPerSecond" },
  { name: "In flight", number: true, term: "inFlight" },
  { name: "Failed", number: true, term: "retries" },
  { name: "Given up", number: true, term: "dropped" },
];

export function openShards(panel, snapshot) {
  panel.open("Shards of the stream", ({ body }) => {
    const rows = ({ kinesis }) =>
      kinesis.shards.map(({ shardId, millisBehind, recordsPerSecond, inFlight, retries, dropped }) => [
        shardId,
        duration(millisBehind / 1_000),
        recordsPerSecond.toFixed(1),
        grouped(inFlight ?? 0),
        grouped(retries ?? 0),
        grouped(dropped ?? 0),
      ]);
    const shards = table("Shards", SHARDS, rows(snapshot));
    body.replaceChildren(
      element(
        "p",
        {},
        "A shard keeps the order of its records; the router reads each from its beginning to its end.",
      ),
      shards,
      openers([["The router's log", () => openLog(panel, "router")]]),
    );
    return (snapshot) => shards.update(rows(snapshot));
  });
}

export function openRouter(panel, snapshot) {
  panel.open("Router", async ({ body, ask }) => {
    const { errors, invocations } = snapshot.router;
    const text = `${grouped(invocations)} batches, of which ${grouped(errors)} failed and were tried again.`;
    body.replaceChildren(
      element("p", {}, text),
      openers([
        ["Shards of the stream", () => openShards(panel, snapshot)],
        ["Rejected lines", () => openRejects(panel, snapshot)],
      ]),
      await logOf("router", ask),
    );
  });
}

export function openWarehouse(panel, snapshot) {
  panel.open("Warehouse", async ({ body, ask }) => {
    const { loads, failedLoads } = snapshot.warehouse;
    const rows = Object.entries(snapshot.types)
      .filter(([, { loaded }]) => loaded !== undefined)
      .map(([type, { rows, loaded }]) => [type, grouped(loaded), grouped(Math.max(0, rows - loaded))]);
    const { parts } = await ask("/log?part=loader");
    const loaders = parts.filter((part) => part.startsWith("loader"));
    body.replaceChildren(
      element(
        "p",
        {},
        `${grouped(loads)} loads ended well, ${grouped(failedLoads)} failed and are tried again.`,
      ),
      table("Rows of each type", LOADED, rows),
      ...(await Promise.all(loaders.map((part) => logOf(part, ask)))),
    );
  });
}

const LOADED = [
  { name: "Type" },
  { name: "Rows loaded", number: true, term: "loaded" },
  { name: "Still in S3 only", number: true, term: "rows" },
];

export function openLog(panel, part) {
  panel.open(`Log of ${part}`, async ({ body, ask }) => body.replaceChildren(await logOf(part, ask)));
}

function openers(items) {
  return element("p", { className: "openers" }, ...items.map(([text, open]) => button(open, {}, text)));
}
