import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";

/** A bash that keeps its variables and functions from one command to the next, as a person's terminal does. */
export class Shell implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  #output = "";
  #arrived: () => void = () => {};

  constructor(cwd: string, environment: Readonly<Record<string, string>>) {
    this.#child = spawn("bash", ["--norc"], { cwd, env: environment });
    const take = (text: string): void => {
      this.#output += text;
      this.#arrived();
    };
    this.#child.stdout.setEncoding("utf8").on("data", take);
    this.#child.stderr.setEncoding("utf8").on("data", take);
    this.#child.once("exit", (code) => take(`\nthe shell ended with ${code}`));
  }

  /** @returns what the command prints @throws Error with it if the command fails */
  async run(command: string): Promise<string> {
    const end = randomUUID();
    const { stdin } = this.#child;
    this.#output = "";
    stdin.write(`${command}\nprintf '\\n%s %d\\n' ${end} $? </dev/null\n`);
    for (;;) {
      const found = new RegExp(`^([^]*)\\n${end} (\\d+)\\n`).exec(this.#output);
      if (found) {
        const [, printed = "", code] = found;
        if (code !== "0") throw new Error(`exit code ${code} of\n${command}\n${printed}`);
        return printed;
      }
      if (this.#child.exitCode !== null) throw new Error(`${command}\n${this.#output}`);
      await new Promise<void>((resolve) => (this.#arrived = resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.stdin.end();
    await gone;
  }
}
