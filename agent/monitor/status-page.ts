import type { WatchedSource } from "./watched-source.ts";
import { health } from "./health.ts";
import { undeliveredBytes } from "./pace.ts";
import type { Vitals } from "./vitals.ts";

const REFRESH_SECONDS = 2;

export const STATUS_CSS = `
:root { color-scheme: light dark; font: 14px/1.5 system-ui, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.6rem; border-bottom: 1px solid #8884; text-align: right; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2), td.why { text-align: left; }
td:first-child { overflow-wrap: anywhere; }
progress { width: 6rem; }
.ok { color: #1a7f37; } .bad { color: #cf222e; font-weight: 600; }
`;

/** Where each file stands, for people. A page without script, that is asked for anew. */
export function statusPage(vitals: Vitals, now: Date): string {
  const { agent, stream, files, bufferedBytes, maxBufferedBytes, openShards } = vitals;
  const { ok, problems } = health("progressing", vitals, now.getTime());
  const state = ok ? '<p class="ok">All is moving.</p>' : `<p class="bad">${escape(problems.join("; "))}</p>`;
  const rows = files.map((file) => row(file, vitals, now.getTime())).join("");
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="${REFRESH_SECONDS}">
<title>Weir agent</title><link rel="stylesheet" href="/status.css"></head><body>
<h1>Weir agent</h1>
${state}
<p>Version ${escape(agent.version)}, process ${agent.pid} since ${escape(agent.startedAt)}. Stream
${escape(stream)}, ${openShards} shards. ${bytes(bufferedBytes)} of ${bytes(maxBufferedBytes)} buffered.</p>
<table><thead><tr><th>File<th>Tag<th>Size<th>Read<th>Delivered<th><th>Lag<th>For<th>Rate</tr></thead>
<tbody>${rows}</tbody></table></body></html>
`;
}

function row(file: WatchedSource, { pace }: Vitals, nowMs: number): string {
  const { location, tag, size, read, delivery, error } = file;
  const delivered = delivery.resume.offset;
  const why = error === undefined ? "" : `<br><span class="bad">${escape(error)}</span>`;
  return `<tr><td>${escape(location)}${why}<td>${escape(tag)}<td>${bytes(size)}<td>${bytes(read)}
<td>${bytes(delivered)}<td><progress max="${Math.max(size, 1)}" value="${delivered}"></progress>
<td>${bytes(undeliveredBytes(file))}<td>${Math.round(pace.lagMs(file, nowMs) / 1_000)} s
<td>${bytes(Math.round(pace.bytesPerSecond(file)))}/s</tr>
`;
}

function bytes(count: number): string {
  return `${count.toLocaleString("en")} B`;
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** A file's name may hold anything. */
function escape(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!);
}
