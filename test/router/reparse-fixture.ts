import { objectLines } from "../../lambdas/commit-log/object-lines.ts";
import type { RoutedBatch } from "../../lambdas/router/batch-writer.ts";
import { Reparse, type Reparsed } from "../../lambdas/router/reparse/reparse.ts";
import type { WeirConfig } from "../../wire/config.ts";
import { parseUnfiledKey } from "../../wire/keys.ts";

/** The objects of a batch that could be filed anew, by key. */
export function unfiledOf({ commit, objects }: RoutedBatch): Map<string, Buffer> {
  const unfiled = new Set(commit.objects.filter(({ kind }) => kind !== "data").map(({ key }) => key));
  return new Map(
    objects.filter(({ key }) => unfiled.has(key)).map(({ key, body }) => [key, Buffer.from(body)]),
  );
}

/** Files an object of the lake anew, by the present configuration. */
export async function reparse(config: WeirConfig, key: string, body: Buffer): Promise<Reparsed> {
  return new Reparse(config).file({ ...parseUnfiledKey(key)!, key }, objectLines(key, body));
}
