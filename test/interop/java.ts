import { readFile } from "node:fs/promises";
import { has, here, kept, run, type RunOptions } from "./program.ts";

export const hasJava = has("java") && has("mvn");

/** Runs a Java program of this folder with what its pom.xml names. @returns its standard output */
export async function runJava(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const file = await kept("pom.xml", (path) =>
    run("mvn", [
      "-q",
      "-B",
      "-f",
      here("pom.xml"),
      "dependency:build-classpath",
      `-Dmdep.outputFile=${path}`,
    ]),
  );
  const flags = [
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-cp",
    (await readFile(file, "utf8")).trim(),
  ];
  return run("java", [...flags, here(program), ...args], options);
}
