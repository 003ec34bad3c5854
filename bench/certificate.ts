import { execFileSync } from "node:child_process";
import { join } from "node:path";

export interface Certificate {
  readonly keyFile: string;
  readonly certificateFile: string;
}

/** Signs itself. @returns undefined where there is no openssl */
export function makeCertificate(directory: string): Certificate | undefined {
  const keyFile = join(directory, "key.pem");
  const certificateFile = join(directory, "certificate.pem");
  const files = ["-keyout", keyFile, "-out", certificateFile];
  const names = ["-subj", "/CN=null", "-addext", "subjectAltName=IP:127.0.0.1"];
  const kind = ["-x509", "-nodes", "-days", "1", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  try {
    execFileSync("openssl", ["req", ...kind, ...names, ...files], { stdio: "pipe" });
    return { keyFile, certificateFile };
  } catch (error) {
    console.error(`TLS is not measured: no certificate could be made (${(error as Error).message})`);
    return undefined;
  }
}
