import { GetObjectCommand } from "@aws-sdk/client-s3";
import {
  FLEET_PAGE_KEY,
  type FleetPage,
  type FleetPageHost,
  fleetPageSchema,
} from "../../wire/fleet-page.ts";
import type { Place } from "../access/place.ts";
import { duration } from "../access/text-table.ts";
import { absent, bytesText, firstOf, type Report } from "./section.ts";
import { counted } from "../access/figures.ts";

const TITLE = "FLEET";
/** It is written every minute. */
const STALE_MS = 5 * 60_000;
const SHOWN_PROBLEMS = 12;
const SHOWN_HOSTS = 5;

export async function fleetReport({ s3, bucket }: Place, now: Date): Promise<Report> {
  const page = await readPage(s3, bucket);
  if (page === undefined) {
    return absent(TITLE, "nothing is known of hosts: fleet watch is turned off, or has not run yet");
  }
  const { counts } = page;
  const age = now.getTime() - Date.parse(page.at);
  const stale = age > STALE_MS ? [`fleet watch has not run for ${duration(age / 1_000)}`] : [];
  const problems = [...stale, ...leftOut(page), ...firstOf(hostProblems(page, now), SHOWN_PROBLEMS)];
  const { hosts, silent, stopped, bytesWaiting, filesBehind } = counts;
  const summary = [
    counted(hosts, "host"),
    ...(silent > 0 ? [`${silent} silent`] : []),
    ...(stopped > 0 ? [`${stopped} stopped`] : []),
    bytesWaiting === 0
      ? "nothing waits"
      : `${bytesText(bytesWaiting)} wait in ${counted(filesBehind, "file")}`,
  ].join(", ");
  const notes = page.hosts
    .filter(({ state, waiting }) => state !== "silent" && waiting > 0)
    .slice(0, SHOWN_HOSTS)
    .map((host) => `${host.host}: ${lagText(host)}`);
  return { section: { title: TITLE, summary, problems, notes }, json: page };
}

async function readPage(s3: Place["s3"], bucket: string): Promise<FleetPage | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: FLEET_PAGE_KEY }));
    return fleetPageSchema.parse(JSON.parse(await Body!.transformToString()));
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") return undefined;
    throw error;
  }
}

function leftOut({ hostsLeftOut }: FleetPage): string[] {
  return hostsLeftOut > 0 ? [`${hostsLeftOut} hosts or more are not followed: there are too many`] : [];
}

function hostProblems({ hosts, silentSince }: FleetPage, now: Date): string[] {
  if (silentSince !== undefined) return [`no heartbeat of any host arrives ${span(silentSince, now)}`];
  return hosts.flatMap((host) => {
    const { host: name, state, seenAt } = host;
    if (state === "silent") return [`${name}: silent ${span(seenAt, now)}, ${lagText(host)}`];
    const stalled = state === "stalled" ? [`${name}: its agent does not progress, ${lagText(host)}`] : [];
    const files = host.files.filter((file) => file.state !== "behind");
    return [
      ...stalled,
      ...files.map(
        ({ path, state, since, waiting, error }) =>
          `${name} ${path}: ${state} ${span(since, now)}, ${bytesText(waiting)} wait${error === undefined ? "" : `: ${error}`}`,
      ),
    ];
  });
}

function lagText({ waiting, behind, lagSeconds }: FleetPageHost): string {
  if (waiting === 0) return "nothing waits";
  const lag = lagSeconds > 0 ? `, ${duration(lagSeconds)} behind` : "";
  return `${bytesText(waiting)} wait in ${counted(behind, "file")}${lag}`;
}

const span = (since: string, now: Date): string =>
  `since ${since.slice(0, 16).replace("T", " ")} (${duration(Math.max(0, now.getTime() - Date.parse(since)) / 1_000)})`;
