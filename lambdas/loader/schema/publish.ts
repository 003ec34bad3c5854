import type { DataApi, Value } from "../data-api.ts";
import { LoaderError } from "../loader-error.ts";
import type { LoadParts } from "../load.ts";
import { quoteText, type Target } from "../target.ts";
import { BY_LOADER, recordSql, sqlDigest } from "./migration.ts";
import { type Publication, publications } from "./publication.ts";

/** A view or a grant that the warehouse refused. It keeps no row from being loaded. */
export interface Unpublished {
  readonly publication: Publication;
  readonly error: string;
}

export interface Published {
  readonly done: readonly Publication[];
  readonly failed: readonly Unpublished[];
}

/**
 * Makes the table's view and grants what readers lack.
 *
 * @throws what the Data API throws where the warehouse is away
 */
export async function publish(target: Target, api: DataApi, by: string): Promise<Published> {
  const done: Publication[] = [];
  const failed: Unpublished[] = [];
  for (const publication of await duePublications(target, api)) {
    try {
      await api.alter([...publication.statements, recordSql(target, [publication], by)]);
      done.push(publication);
    } catch (error) {
      if (!(error instanceof LoaderError)) throw error;
      failed.push({ publication, error: error.message });
    }
  }
  return { done, failed };
}

/** Before a load: rows are loaded whether or not somebody may read them. */
export async function publishOrTell(target: Target, { api, log }: LoadParts): Promise<void> {
  const table = target.name;
  try {
    const { done, failed } = await publish(target, api, BY_LOADER);
    if (done.length > 0)
      log.info("readers were given", { table, published: done.map(({ subject }) => subject) });
    for (const { publication, error } of failed) {
      const { subject, sql } = publication;
      log.error("readers could not be given", { table, subject, error, sql, hint: UNPUBLISHED_HINT });
    }
  } catch (error) {
    log.warn("what readers lack could not be found out", { table, error });
  }
}

export const UNPUBLISHED_HINT =
  "an administrator of the warehouse makes what is missing, by what `weir warehouse grants` prints or by this SQL; then " +
  "`weir schema apply`";

/** Those that are not as weir.migrations has them, or that went with the table or the view they were on. */
export async function duePublications(target: Target, api: DataApi): Promise<Publication[]> {
  const wanted = publications(target);
  if (wanted.length === 0) return [];
  const recorded = new Map<string, string>();
  for (const [kind, subject, digest] of await api.ask([recordedSql(target)])) {
    // Another table begins without any, and another view without grants.
    if (kind === "create-table") recorded.clear();
    if (kind === "view") forgetGrants(recorded);
    recorded.set(`${String(kind)} ${String(subject)}`, String(digest));
  }
  if (!(await hasView(target, api))) recorded.clear();
  const views = wanted.filter(({ kind }) => kind === "view");
  if (!views.every((view) => isRecorded(view, recorded))) forgetGrants(recorded);
  return wanted.filter((publication) => !isRecorded(publication, recorded));
}

const isRecorded = ({ kind, subject, sql }: Publication, recorded: ReadonlyMap<string, string>): boolean =>
  recorded.get(`${kind} ${subject}`) === sqlDigest(sql);

function forgetGrants(recorded: Map<string, string>): void {
  for (const key of recorded.keys()) if (key.startsWith("grant ")) recorded.delete(key);
}

async function hasView({ readers: { views }, table }: Target, api: DataApi): Promise<boolean> {
  if (views === undefined) return true;
  const sql = `SELECT count(*) FROM pg_views WHERE schemaname = ${quoteText(views)} AND viewname = ${quoteText(table)}`;
  const [[count]] = (await api.ask([sql])) as [[Value]];
  return Number(count) > 0;
}

/** In the order in which they were applied. */
const recordedSql = ({ name }: Target): string => `SELECT kind, subject, digest FROM weir.migrations
WHERE target = ${quoteText(name)} AND kind IN ('create-table', 'view', 'grant') ORDER BY applied_at`;
