import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AgentError } from "../../agent/agent-error.ts";
import { readAgentConfig } from "../../agent/config/read-config.ts";
import { FileRule } from "../../agent/tail/files/file-rule.ts";
import type { Random } from "../../local/traffic/random.ts";
import { ConfigError } from "../../wire/config.ts";
import type { Target } from "./fuzz.ts";
import { mutateBytes } from "./mutation.ts";

const SECRET = "hunter2hunter2";

const PATH = "/var/log/shop/app.log";

const TOML = `stream = "logs"
region = "eu-west-1"
state_dir = "/var/lib/weir"

[[files]]
tag = "app.\${1}"
path = ["/var/log/*/app.log", "/srv/**/log/[a-f]*.log"]
exclude_lines = ["GET /health", "^#"]
multi_line = { start = "^\\\\d{4}-", idle_ms = 2000 }
mask = [{ pattern = "(password)=[^&\\\\s]+", with = "$1=***" }]

[forward]
port = 24224
shared_key = "${SECRET}"
users = [{ username = "a", password = "${SECRET}" }]
`;

/** The agent's configuration, spoilt: it is refused without a word of its secrets, or can be used. */
export const agentConfig: Target = {
  name: "agent-config",
  async start() {
    const directory = await mkdtemp(join(tmpdir(), "weir-fuzz-"));
    const file = join(directory, "agent.toml");
    return {
      async run(random: Random) {
        await writeFile(file, mutateBytes(random, Buffer.from(TOML)));
        try {
          const { files } = await readAgentConfig(file, {});
          for (const entry of files) new FileRule(entry).readingOf(PATH);
        } catch (error) {
          if (!(error instanceof ConfigError) && !(error instanceof AgentError)) throw error;
          // As much of it as would help somebody.
          if (error.message.includes(SECRET.slice(0, 7)))
            throw new Error("the error tells a secret", { cause: error });
        }
      },
      [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
    };
  },
};
