import { CheckpointFile } from "../../agent/progress/checkpoint.ts";
import type { FilesConfig } from "../../agent/config/config.ts";
import { SPOOL_LOCATION } from "../../agent/command/positions.ts";
import { spoolDirectory } from "../../agent/push/pushed-input.ts";
import { readAgentConfig } from "../../agent/config/read-config.ts";
import { spoolExtent } from "../../agent/push/spool/spool-extent.ts";
import { sameFile } from "../../agent/tail/disk/file-identity.ts";
import { FileRule, ruleOf } from "../../agent/tail/files/file-rule.ts";
import { statFile } from "../../agent/tail/disk/file-stat.ts";
import type { FilePosition } from "../../agent/tail/files/tail-state.ts";
import { agentConfigFile } from "./local-agent.ts";
import type { AgentSource } from "../reconcile/agent-source.ts";
import { countFile } from "../reconcile/truth.ts";

/**
 * Every source of the agent of a run, once it has ended, and how far it is delivered: for files by its checkpoint, for what
 * was pushed by the end of its spool, which is what it has acknowledged to senders.
 *
 * @param dir of the run
 * @param variables that its configuration names
 * @throws AgentError
 */
export async function readAgentSources(
  dir: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<AgentSource[]> {
  const config = await readAgentConfig(agentConfigFile(dir), variables);
  const { state_dir: stateDir } = config;
  const { files } = await new CheckpointFile(stateDir).load();
  const rules = config.files.map((entry) => ({ entry, rule: new FileRule(entry) }));
  const sources = await Promise.all(
    files.map((position) => {
      const { source, tag } = position.record;
      const rule = ruleOf(
        rules.map(({ rule }) => rule),
        source.path,
        tag,
      );
      return fileSource(position, rules.find((one) => one.rule === rule)?.entry);
    }),
  );
  const spool = await spoolExtent(spoolDirectory(stateDir));
  return [...sources, ...(spool ? [{ id: spool.sourceId, path: SPOOL_LOCATION, bytes: spool.end }] : [])];
}

async function fileSource(
  { record, resume }: FilePosition,
  entry: FilesConfig | undefined,
): Promise<AgentSource> {
  const { source, location, file, unpacked, breaks } = record;
  const bytes = resume.offset;
  const fileStat = await statFile(location);
  const isThere = fileStat !== undefined && sameFile(fileStat.file, file) && fileStat.size >= bytes;
  const isCounted = isThere && !unpacked && breaks.length === 0 && entry && sendsEachLine(entry);
  const counted = isCounted ? await countFile(location, undefined, bytes) : undefined;
  return { id: source.id, path: location, bytes, ...(counted && { lines: counted.lines }) };
}

/** One event for each line, from the first one on. */
function sendsEachLine(entry: FilesConfig): boolean {
  const { multi_line, include_lines, exclude_lines, sample, encoding, start_at } = entry;
  const isFiltered = include_lines.length + exclude_lines.length > 0 || sample !== undefined;
  return multi_line === undefined && !isFiltered && encoding === undefined && start_at === "head";
}
