import { copySql, type Storage } from "../copy-sql.ts";
import { named } from "../load-statement.ts";
import type { OpenLoad } from "../open-load.ts";
import { quoteText, type Target } from "../target.ts";

/**
 * What becomes of set-aside objects, in the transaction of a load: those that it was to try again are loaded, but for
 * those that it leaves out itself. What an object is, by its row in weir.set_aside:
 *
 *   waiting   tried again when the table's configuration changes, after a time, and when somebody asks for it
 *   loaded    a later load has it
 *   skipped   somebody has given it up
 *   gone      its commit is no longer in the lake
 */
export function setAsideSql(load: OpenLoad, { name }: Target, storage: Storage): string[] {
  const target = quoteText(name);
  const sql: string[] = [];
  if (load.retries !== undefined) {
    const { key } = load.retries;
    sql.push(
      named("retried", "CREATE TEMP TABLE retried (object_key varchar(1024))"),
      named("copy-retried", copySql("retried (object_key)", key, "", storage)),
      named(
        "set-aside",
        `UPDATE weir.set_aside SET state = 'loaded', load_id = ${quoteText(load.id)}
WHERE target = ${target} AND state = 'waiting' AND object_key IN (SELECT object_key FROM retried)`,
      ),
    );
  }
  if (load.refused !== undefined) {
    const { key } = load.refused;
    sql.push(
      named(
        "refused",
        `CREATE TEMP TABLE refused (object_key varchar(1024), commit_key varchar(1024), rows bigint,
  line bigint, error varchar(4096), at timestamp)`,
      ),
      named(
        "copy-refused",
        copySql("refused (object_key, commit_key, rows, line, error, at)", key, "", storage),
      ),
      // What somebody has skipped stays skipped, should it come again.
      named(
        "set-aside",
        `UPDATE weir.set_aside SET state = CASE WHEN state = 'skipped' THEN state ELSE 'waiting' END,
  line = r.line, error = r.error, load_id = ${quoteText(load.id)}, tried_at = r.at
FROM refused r WHERE target = ${target} AND set_aside.object_key = r.object_key`,
      ),
      named(
        "set-aside",
        `INSERT INTO weir.set_aside
  (target, object_key, commit_key, rows, line, error, load_id, set_aside_at, tried_at, state)
SELECT ${target}, object_key, commit_key, rows, line, error, ${quoteText(load.id)}, at, at, 'waiting' FROM refused r
WHERE NOT EXISTS (SELECT 1 FROM weir.set_aside s WHERE s.target = ${target} AND s.object_key = r.object_key)`,
      ),
    );
  }
  return sql;
}

/** Objects that were not tried since. */
export const waitingSql = ({ name }: Target, triedBefore: string, limit: number): string =>
  `SELECT object_key, commit_key, rows FROM weir.set_aside
WHERE target = ${quoteText(name)} AND state = 'waiting' AND tried_at < ${quoteText(triedBefore)}
ORDER BY tried_at, object_key LIMIT ${limit}`;

export const waitingCountSql = ({ name }: Pick<Target, "name">): string =>
  `SELECT count(*), coalesce(sum(rows), 0) FROM weir.set_aside
WHERE target = ${quoteText(name)} AND state = 'waiting'`;

/** Objects whose commit is gone. They are few enough for one statement: a key has about 200 characters. */
export const goneSql = ({ name }: Target, objects: readonly string[]): string =>
  `UPDATE weir.set_aside SET state = 'gone'
WHERE target = ${quoteText(name)} AND object_key IN (${objects.map(quoteText).join(", ")})`;

/** Objects that somebody gives up: all that wait, or one. */
export const skipSql = ({ name }: Target, object: string | undefined): string =>
  `UPDATE weir.set_aside SET state = 'skipped' WHERE target = ${quoteText(name)} AND state = 'waiting'` +
  (object === undefined ? "" : ` AND object_key = ${quoteText(object)}`);
