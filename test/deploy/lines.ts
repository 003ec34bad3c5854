import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { accessLines } from "../../local/traffic/access-line.ts";
import { Random } from "../../local/traffic/random.ts";
import { run } from "../interop/program.ts";
import type { DeployedStack } from "./stack.ts";

/** Lines of a web server's access log, each of which becomes a row of the sample configuration. */
export function accessLog(lines: number): string {
  const random = new Random(lines);
  return Array.from({ length: lines }, () => `${accessLines.line(random, new Date())}\n`).join("");
}

/** Sends an access log with the real agent, whose user may do what the stack's policy for agents says. */
export async function sendLines(stack: DeployedStack, lines: number, host = "agent"): Promise<void> {
  const { account, name, outputs } = stack;
  const path = (file: string): string => join(account.cwd, `${account.id}-${name}-${host}-${file}`);
  await writeFile(path("access.log"), accessLog(lines));
  await writeFile(
    path("agent.toml"),
    [
      `stream = "${outputs["StreamName"]}"`,
      `region = "${account.environment["AWS_REGION"]}"`,
      `state_dir = "${path("state")}"`,
      `host = "${host}"`,
      `[[files]]`,
      `tag = "access"`,
      `path = "${path("access.log")}"`,
    ].join("\n"),
  );
  const user = await account.user(`${host}-of-${name}`, { arns: [outputs["AgentPolicyArn"]!] });
  const args = ["bin/weir.ts", "agent", "run", "--until-drained", "--config", path("agent.toml")];
  await run("node_modules/.bin/node", args, {
    environment: { ...account.environment, ...user },
    cwd: account.cwd,
  });
}
