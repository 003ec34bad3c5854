import type { WeirConfig } from "../../../wire/config.ts";
import { configFingerprint } from "../../../wire/config-fingerprint.ts";
import { AccessError } from "../../access/access-error.ts";
import type { Outcome } from "../../access/place-command.ts";
import type { Place } from "../../access/place.ts";
import { confirmed, startProgress } from "../../access/progress.ts";
import { readCommits } from "../../commits/read-commits.ts";
import type { ReplayArguments } from "../command.ts";
import { fileObjects, type FiledObjects } from "./file-objects.ts";
import { deployedReparse, type FileAnew, inProcessReparse } from "./reparse-router.ts";
import { tallyOf } from "./reparse-tally.ts";
import { counted, objectsText, tallyText, type Unit } from "./reparse-text.ts";
import { type UnfiledObject, UnfiledObjects } from "./unfiled-objects.ts";

type LoadConfig = (file: string) => Promise<WeirConfig>;

/** Files rejected lines, or quarantined records, anew, and says what came of it. */
export async function runReparse(
  place: Place,
  options: ReplayArguments,
  loadConfig: LoadConfig,
): Promise<Outcome> {
  const config = await configOf(options, loadConfig);
  const { rejected } = options;
  const types = rejected && namesOf(rejected, config);
  const { objects, found, notes } = await search(place, options, types);
  const unit: Unit = rejected
    ? { one: "line", of: `rejected lines of ${rejected.join(", ")}` }
    : { one: "record", of: "quarantined records" };
  if (types && objects.length === 0) notes.push(otherTypes(found));
  if (options.inProcess && found.config !== "" && found.config !== configFingerprint(config!)) {
    notes.push(`${options.config} is not what the latest commit was routed by`);
  }
  const fileAnew = options.inProcess ? inProcessReparse(place, config!) : deployedReparse(place);
  const said = [place.title, objectsText(objects, unit)];
  if (objects.length === 0) {
    return planned(objects, undefined, notes, [...said, ...notes, "Nothing was filed anew."]);
  }
  if (options.dryRun !== true && options.yes !== true) {
    const sample = await fileObjects([objects[0]!.key], fileAnew, { dryRun: true });
    const first = tallyText(tallyOf(sample.objects), unit, true);
    process.stderr.write(`${[...said, "of the first object,", ...first, ...notes].join("\n")}\n`);
    if (!(await confirmed("File all of them anew?"))) {
      return planned(objects, sample, notes, ["Nothing was filed anew."]);
    }
  }
  const filed = await fileAll(objects, fileAnew, unit, options.dryRun === true);
  const tally = tallyOf(filed.objects);
  const text = [...said, ...tallyText(tally, unit, options.dryRun === true), ...notes];
  if (options.dryRun) return planned(objects, filed, notes, [...text, "Nothing was filed anew."]);
  if (filed.stopped !== undefined) text.push(`Stopped: ${filed.stopped}. Mend it, and say the same again.`);
  const ok = isWell(filed, notes);
  return { ok, json: { ok, reparsed: true, ...tally, ...filed, notes }, text: text.join("\n") };
}

/** Whether all was looked at. That lines are rejected still is for people to judge. */
const isWell = ({ objects, stopped }: FiledObjects, notes: readonly string[]): boolean =>
  stopped === undefined && objects.every(({ outcome }) => outcome !== "left") && !notes.some(isUnreadable);

function planned(
  objects: readonly UnfiledObject[],
  tried: FiledObjects | undefined,
  notes: readonly string[],
  text: readonly string[],
): Outcome {
  const ok = isWell(tried ?? { objects: [] }, notes);
  const plan = { objects, ...(tried && { tried: tallyOf(tried.objects), stopped: tried.stopped }) };
  return { ok, json: { ok, reparsed: false, plan, notes }, text: text.join("\n") };
}

async function search(
  place: Place,
  { since, until }: ReplayArguments,
  types: ReadonlySet<string> | undefined,
): Promise<{ objects: UnfiledObject[]; found: UnfiledObjects; notes: string[] }> {
  const found = new UnfiledObjects({ types, since, until });
  const notes: string[] = [];
  const progress = await startProgress(1, "reading commits");
  const onSegment = (segment: number, last: number): void =>
    progress.at(segment / last, `commits: segment ${segment} of ${last}`);
  try {
    // What arrived since a time was written after it.
    const options = { onSegment, ...(since && { since }) };
    for await (const one of readCommits(place, options)) {
      if ("commit" in one) found.take(one.commit);
      else notes.push(`${UNREADABLE}${one.key}: ${one.error.message}`);
    }
  } finally {
    progress.end();
  }
  return { objects: found.objects, found, notes };
}

const UNREADABLE = "cannot be read, and what it says is not known: ";
const isUnreadable = (note: string): boolean => note.startsWith(UNREADABLE);

async function fileAll(
  objects: readonly UnfiledObject[],
  fileAnew: FileAnew,
  unit: Unit,
  dryRun: boolean,
): Promise<FiledObjects> {
  const progress = await startProgress(objects.length, "filing anew");
  const onObjects = (done: number): void =>
    progress.at(done, `${done} of ${objects.length} objects of ${unit.one}s`);
  try {
    return await fileObjects(
      objects.map(({ key }) => key),
      fileAnew,
      { dryRun, onObjects },
    );
  } finally {
    progress.end();
  }
}

/** The configuration at hand: lines are filed by it with --in-process alone, and former names of types are its. */
async function configOf(
  { inProcess, config: file }: ReplayArguments,
  loadConfig: LoadConfig,
): Promise<WeirConfig | undefined> {
  if (inProcess) return loadConfig(file);
  return loadConfig(file).catch(() => undefined);
}

/** Types as they are asked for, and what each was called before. */
function namesOf(asked: readonly string[], config: WeirConfig | undefined): Set<string> {
  const former =
    config?.types.flatMap(({ name, formerNames }) => (asked.includes(name) ? formerNames : [])) ?? [];
  return new Set([...asked, ...former]);
}

function otherTypes(found: UnfiledObjects): string {
  const types = found.types.map(([type, lines]) => `${type} (${counted(lines, "line")})`);
  return types.length === 0
    ? "no type has rejected lines"
    : `rejected lines there are of ${types.join(", ")}`;
}

/** @throws AccessError BAD_REQUEST for options that are for batches of the stream */
export function assertReparseAlone(options: ReplayArguments): void {
  const { failed, object, record, shard, from, to, rate, rejected, quarantined } = options;
  const others = { failed, object, record, shard, from, to, rate };
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  const what = rejected ? "--rejected" : "--quarantined";
  if (rejected && quarantined) {
    throw new AccessError(
      "BAD_REQUEST",
      "--rejected and --quarantined are two things",
      "Say one after the other.",
    );
  }
  if (other === undefined) return;
  const hint = `${what} works on objects of the lake, and takes --since, --until, --dry-run, --yes and --in-process.`;
  throw new AccessError("BAD_REQUEST", `--${other} does not go with ${what}`, hint);
}
