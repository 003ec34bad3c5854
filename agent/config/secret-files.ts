import { readFile, stat } from "node:fs/promises";
import type { AgentConfig } from "./config.ts";

/** A secret that is written out, and not the name of a variable that holds it. */
const WRITTEN_OUT = /\b(?:shared_key|password)\s*=\s*(["'])(?!\$\{[A-Za-z_]\w*\}\1)./;
const READABLE_BY_OTHERS = 0o004;

/**
 * Files with secrets that every user of this host can read.
 *
 * @param file the configuration's own
 */
export async function openSecrets({ forward }: AgentConfig, file: string): Promise<string[]> {
  const paths = [forward?.shared_key_file, forward?.tls?.key_file].filter((path) => path !== undefined);
  // A file that cannot be read is told of elsewhere.
  const text = await readFile(file, "utf8").catch(() => "");
  if (WRITTEN_OUT.test(text)) paths.push(file);
  const isOpen = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        ({ mode }) => (mode & READABLE_BY_OTHERS) !== 0,
        () => false,
      ),
    ),
  );
  return paths
    .filter((_, i) => isOpen[i])
    .map((path) => `${path} holds a secret, and every user of this host can read it: chmod o-r ${path}`);
}
