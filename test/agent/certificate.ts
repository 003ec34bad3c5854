import { spawnSync } from "node:child_process";
import { join } from "node:path";

export const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

/** A key and a certificate that is signed by itself, so that it is its own authority. */
export function makeCertificate(
  directory: string,
  host = "localhost",
): { cert_file: string; key_file: string } {
  const files = { cert_file: join(directory, "cert.pem"), key_file: join(directory, "key.pem") };
  const made = spawnSync("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj".split(" "),
    `/CN=${host}`,
    "-addext",
    `subjectAltName=DNS:${host}`,
    "-keyout",
    files.key_file,
    "-out",
    files.cert_file,
  ]);
  if (made.status !== 0) throw new Error(made.stderr.toString());
  return files;
}
