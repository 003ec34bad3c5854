import { DATA_API_BATCH_MAX_STATEMENTS } from "../../wire/limits.ts";
import { type Grant, type GrantsRequest, loaderGrants } from "../../wire/loader-grants.ts";
import type { AdminSession } from "./admin-session.ts";

/** Conditions in one question: some 150 bytes each, of the 100 KB that a statement may have. */
const QUESTIONS = 200;

/** Gives the loader its rights. It may run any number of times. @throws GrantsError */
export async function grantLoader(session: AdminSession, request: GrantsRequest): Promise<void> {
  const grants = await due(loaderGrants(request), session);
  for (const batch of chunks(grants, DATA_API_BATCH_MAX_STATEMENTS)) {
    await session.run(batch.map(({ sql }) => sql));
  }
}

/** Those that run always, and those whose condition holds; in their order. */
async function due(grants: readonly Grant[], session: AdminSession): Promise<Grant[]> {
  const holding = new Set<string>();
  const conditions = grants.flatMap(({ onlyIf }) => onlyIf ?? []);
  for (const asked of chunks(conditions, QUESTIONS)) {
    const answers = await session.ask(asked);
    asked.filter((_, i) => answers[i]).forEach((condition) => holding.add(condition));
  }
  return grants.filter(({ onlyIf }) => onlyIf === undefined || holding.has(onlyIf));
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
