import { randomBytes } from "node:crypto";
import type { WeirConfig } from "../../wire/config.ts";
import { erasureId, type ErasurePlan } from "../../wire/erasure.ts";
import { AccessError } from "../access/access-error.ts";
import type { Outcome } from "../access/place-command.ts";
import type { Place } from "../access/place.ts";
import { printable } from "../access/text-table.ts";
import type { EraseArguments } from "./command.ts";
import { erase, type EraseParts, type Erased, preview, type Preview, resume } from "./erase.ts";
import { ErasureFiles } from "./erasure-files.ts";
import { EraseLake } from "./lake.ts";
import { conditionOf, formerNamesOf, isConfigured } from "./request.ts";

/** Between two questions of the loader. */
const WAIT_MS = 2_000;

/** Does what `weir erase` was asked for, and says what came of it. */
export async function runErase(
  place: Place,
  options: EraseArguments,
  loadConfig: (file: string) => Promise<WeirConfig>,
): Promise<Outcome> {
  if (options.warehouse !== undefined) {
    const hint = "Leave --warehouse out.";
    throw new AccessError("BAD_REQUEST", "what is erased is erased from every warehouse", hint);
  }
  if (options.warehouse !== undefined) {
    const hint = "Leave --warehouse out.";
    throw new AccessError("BAD_REQUEST", "an erasure is for all warehouses, as the lake is", hint);
  }
  const files = new ErasureFiles(new EraseLake(place));
  if (options.list) return list(place, files);
  const parts: EraseParts = {
    place,
    now: () => new Date(),
    // Beside what is printed at the end, for whoever waits.
    progress: (text) => void process.stderr.write(`${printable(text)}\n`),
    maxWaitMs: options.wait * 60_000,
    waitMs: WAIT_MS,
  };
  if (options.resume !== undefined) return told(await resume(options.resume, parts));
  const plan = await planOf(options, files, loadConfig);
  if (!options.yes) return previewed(place, await preview(plan, parts));
  return told(await erase(plan, parts));
}

async function planOf(
  options: EraseArguments,
  files: ErasureFiles,
  loadConfig: (file: string) => Promise<WeirConfig>,
): Promise<ErasurePlan> {
  const now = new Date();
  const { type, again, by, reason } = options;
  const common = {
    version: 1 as const,
    startedAt: now.toISOString(),
    by,
    ...(reason !== undefined && { reason }),
  };
  const random = randomBytes(4).toString("hex");
  if (again !== undefined) {
    const { id: _, ...earlier } = await files.plan(again);
    return { ...earlier, ...common, id: erasureId(now, earlier.type, random), again };
  }
  if (type === undefined)
    throw new AccessError("BAD_REQUEST", "nothing says of which log type", "Say --type NAME.");
  const config = await loadConfig(options.config);
  const formerNames = formerNamesOf(type, config);
  const condition = conditionOf(options, type, config);
  if (!isConfigured(type, config) && !(await files.hasLines(type))) {
    const hint = `The configuration has ${config.types.map(({ name }) => name).join(", ")}.`;
    throw new AccessError(
      "BAD_REQUEST",
      `there is no log type ${type}, and the lake has no lines of it`,
      hint,
    );
  }
  return {
    ...common,
    id: erasureId(now, type, random),
    type,
    ...(formerNames.length > 0 && { formerNames: [...formerNames] }),
    condition,
    arrivedBefore: now.toISOString(),
  };
}

async function list(place: Place, files: ErasureFiles): Promise<Outcome> {
  const erasures: {
    id: string;
    by: string;
    reason?: string;
    rows?: number;
    rejected?: number;
    done: boolean;
  }[] = [];
  for (const id of await files.ids()) {
    const { by, reason } = await files.plan(id);
    const record = await files.record(id);
    const counts = record && { rows: record.rows, rejected: record.rejected };
    erasures.push({
      id,
      by,
      ...(reason !== undefined && { reason }),
      ...counts,
      done: await files.isDone(id),
    });
  }
  const lines = erasures.map(
    ({ id, by, reason, rows, rejected, done }) =>
      `${id}  ${done ? "done" : "NOT DONE"}  ${rows ?? "?"} rows, ${rejected ?? "?"} rejected  ${by}${reason === undefined ? "" : `: ${reason}`}`,
  );
  const text = [place.title, ...(lines.length > 0 ? lines : ["no erasures"])].map(printable).join("\n");
  const ok = erasures.every(({ done }) => done);
  return { ok, json: { ok, erasures }, text };
}

function previewed(place: Place, found: Preview): Outcome {
  const { rows, rejected, objects, scanned, unreadable, tables } = found;
  const ok = unreadable.length === 0;
  const text = [
    place.title,
    `lake: ${rows} rows and ${rejected} rejected lines, in ${objects} of ${scanned} objects`,
    ...tables.map(
      ({ table, rows }) => `${table}: ${rows ?? "the"} rows${rows === undefined ? " that the lake has" : ""}`,
    ),
    ...unreadable.map((why) => `cannot be read: ${why}`),
    "Nothing was erased: that takes --yes.",
  ];
  return { ok, json: { ok, ...found }, text: text.map(printable).join("\n") };
}

function told({ record, tables, notRemoved, done }: Erased): Outcome {
  const { id, rows, rejected, objects, unreadable } = record;
  const ok = done && unreadable.length === 0;
  const text = [
    `${id}: ${rows} rows and ${rejected} rejected lines of ${objects} objects`,
    ...tables.map(
      ({ table, condition, error }) => `${table}: ${condition}${error === undefined ? "" : `: ${error}`}`,
    ),
    ...tables.flatMap(({ table, openLoad }) =>
      openLoad === undefined ? [] : [`${table}: a load from before is still open: ${openLoad}`],
    ),
    ...unreadable.map((why) => `cannot be read, and stays as it is: ${why}`),
    ...notRemoved.map(({ key, error }) => `not removed: ${key}: ${error}`),
    done ? "Done." : `Not done: what was replaced is still in the lake. Go on: weir erase --resume ${id}`,
  ];
  return {
    ok,
    json: { ok, id, done, rows, rejected, objects, tables, unreadable, notRemoved },
    text: text.map(printable).join("\n"),
  };
}
