import { PREFIX } from "../../../wire/keys.ts";
import type { Lake } from "../lake.ts";
import type { Target } from "../target.ts";

/**
 * Columns that the rows of a type have by a configuration, by its fingerprint, as commits name it. Each loader notes
 * its own in the lake, `loads/columns/<fingerprint>/<type>.json`, so that a later one knows of rows that wait, without
 * reading them, whether the table has a column for each of their fields.
 */
export class ColumnRegistry {
  readonly #lake: Lake;

  constructor(lake: Lake) {
    this.#lake = lake;
  }

  async note({ config, type, columns }: Target): Promise<void> {
    const key = keyOf(config, type);
    if ((await this.#lake.readOnce(key)) !== undefined) return;
    await this.#lake.put(key, JSON.stringify(columns.map(({ name }) => name)));
  }

  /** Whether the table has all columns of a configuration; not known to be so of one that nobody has noted. */
  async covers(target: Target, config: string): Promise<boolean> {
    if (config === target.config) return true;
    if (config === "") return false;
    const text = await this.#lake.readOnce(keyOf(config, target.type));
    if (text === undefined) return false;
    const columns = new Set<unknown>(target.columns.map(({ name }) => name));
    return noted(text)?.every((name) => columns.has(name)) ?? false;
  }
}

const keyOf = (config: string, type: string): string => `${PREFIX.loadColumns}${config}/${type}.json`;

function noted(text: string): unknown[] | undefined {
  try {
    const names: unknown = JSON.parse(text);
    return Array.isArray(names) ? names : undefined;
  } catch {
    return undefined; // as good as not noted
  }
}
