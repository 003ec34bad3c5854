import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "smol-toml";
import type { Recipe } from "./recipe.ts";

const CONFIG_MODULE = fileURLToPath(new URL("../../wire/config.ts", import.meta.url));

/** Lines that a document shows under a socket are sent to it. */
export const isSocket = (path: string): boolean => path.endsWith(".sock");

/** A folder that stands for the root of a host which has the logs and the configurations of all recipes. */
export class RecipeFolder implements AsyncDisposable {
  readonly path: string;
  readonly #recipes: readonly Recipe[];

  private constructor(path: string, recipes: readonly Recipe[]) {
    this.path = path;
    this.#recipes = recipes;
  }

  static async make(recipes: readonly Recipe[]): Promise<RecipeFolder> {
    const folder = new RecipeFolder(await mkdtemp(join(tmpdir(), "weir-cookbook-")), recipes);
    for (const [file, text] of recipes.flatMap(({ files }) => [...files]))
      if (!isSocket(file)) await folder.#write(file, text);
    await folder.#write("weir.config.ts", folder.#config());
    return folder;
  }

  get configFile(): string {
    return join(this.path, "weir.config.ts");
  }

  /** Paths of the host, in what a document says, as paths in here. */
  inHere(text: string): string {
    return text.replaceAll(/(?<=^|[\s"'=])\/(?=(?:var|run)\/)/g, `${this.path}/`);
  }

  /** What was printed here, as it is printed on the host. */
  onHost(text: string): string {
    return text.replaceAll(this.path, "");
  }

  /** Writes one configuration for one agent, made of those of all recipes, that listens where there is room. */
  async writeAgent(forwardPort: number): Promise<string> {
    const all = this.#recipes.map(({ agent }) => parse(this.inHere(agent)));
    const listed = (name: string): unknown[] => all.flatMap((one) => one[name] ?? []);
    const sockets = listed("line_sockets") as { path: string }[];
    for (const { path } of sockets) await mkdir(dirname(path), { recursive: true });
    const agent = {
      ...Object.assign({}, ...all),
      files: listed("files"),
      line_sockets: sockets,
      forward: { ...(listed("forward")[0] as object), port: forwardPort },
    };
    return this.#write("agent.toml", stringify(agent));
  }

  #config(): string {
    return [
      `import { defineConfig } from ${JSON.stringify(CONFIG_MODULE)};`,
      'export default defineConfig({ warehouse: { kind: "new-serverless", database: "weir" }, types: [',
      ...this.#recipes.map(({ types }) => types),
      "] });",
    ].join("\n");
  }

  async #write(name: string, text: string): Promise<string> {
    const file = join(this.path, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return file;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.path, { recursive: true });
  }
}
