import { appendFile, mkdir, rename, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "smol-toml";
import { expect, test } from "vitest";
import { agentConfigSchema } from "../../agent/config/config.ts";
import { readGuide } from "./guide.ts";
import { Host } from "./host.ts";

/** What another agent keeps of a file. */
interface Row {
  readonly path: string;
  readonly ino: number;
  readonly offset: number;
}

/** source: plugins/in_tail/tail_sql.h of Fluent Bit 5.1 */
function fluentBit(file: string, { path, ino, offset }: Row): void {
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS in_tail_files (id INTEGER PRIMARY KEY,
    name TEXT NOT NULL, offset INTEGER, inode INTEGER, created INTEGER, rotated INTEGER DEFAULT 0,
    offset_marker INTEGER DEFAULT 0, offset_marker_size INTEGER DEFAULT 0)`);
  const sql = "INSERT INTO in_tail_files (name, offset, inode, created) VALUES (?, ?, ?, 1)";
  database.prepare(sql).run(path, offset, ino);
  database.close();
}

/** source: SQLiteFileCheckpointStore.java of amazon-kinesis-agent 2.0.13 */
function kinesisAgent(file: string, { path, ino, offset }: Row): void {
  const database = new DatabaseSync(file);
  database.exec(`create table if not exists FILE_CHECKPOINTS(flow text, path text, fileId text, lastModifiedTime bigint,
    size bigint, offset bigint, lastUpdated datetime, primary key (flow, path))`);
  const sql = `insert into FILE_CHECKPOINTS
    values ('app', ?, ?, 1, ?, ?, strftime('%Y-%m-%d %H:%M:%f', 'now'))`;
  database.prepare(sql).run(path, `(dev=fd01,ino=${ino})`, offset, offset);
  database.close();
}

for (const { page, sections, database, write, stops } of [
  {
    page: "from-fluent-bit.md",
    sections: ["The agent follows the files"],
    database: "/var/lib/fluent-bit/tail.db",
    write: fluentBit,
    stops: "systemctl stop fluent-bit",
  },
  {
    page: "from-kinesis-agent.md",
    sections: ["A configuration", "Changing a host over"],
    database: "/var/run/aws-kinesis-agent/checkpoints",
    write: kinesisAgent,
    stops: "service aws-kinesis-agent stop",
  },
]) {
  test(`${page} is followed, with a rotation in the minute that nobody reads: each line once`, async () => {
    const { commands, settings } = readGuide(page);
    expect([...commands.keys()]).toEqual(sections);
    for (const text of settings) agentConfigSchema.parse(parse(text));
    await using host = await Host.make(page, {
      service: async (command) => {
        if (command !== stops) return;
        await sleep(25);
        await appendFile(log, "three\n");
        await rename(log, `${log}.1`);
        await writeFile(log, "four\n");
      },
    });
    const log = host.path("/var/log/app/app.log");
    for (const path of [log, host.path(database)]) await mkdir(dirname(path), { recursive: true });
    await writeFile(log, "one\ntwo\n");
    write(host.path(database), { path: log, ino: (await stat(log)).ino, offset: 4 });
    for (const section of sections) await host.follow(section);
    await appendFile(log, "five\n");
    await host.until(() => host.events.length >= 4);
    expect(host.events.map(({ text, tag }) => `${tag} ${text}`).sort()).toEqual(
      ["app two", "app three", "app four", "app five"].toSorted(),
    );
  });
}
