import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { constants } from "node:fs";
import { access, lstat } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { createSecureContext } from "node:tls";
import { systemCode, systemReason } from "../../agent-error.ts";
import type { AgentConfig } from "../../config/config.ts";
import { type ForwardConfig, readNamed, readSharedKey } from "../../config/forward-config.ts";
import type { MonitorConfig } from "../../config/monitor-config.ts";
import { readToken } from "../../monitor/monitor-token.ts";
import { isHeld } from "../../progress/state-lock.ts";
import { fine, type Finding, problem } from "./finding.ts";

/** A certificate that ends sooner is told of. */
const CERTIFICATE_SOON_MS = 14 * 86_400_000;

/** Whether everything that listens could: ports are free, sockets can be made, keys fit. */
export async function checkInputs(config: AgentConfig): Promise<Finding[]> {
  const { forward, line_sockets, stdin, monitor } = config;
  // What is in use is in use by it.
  const isRunning = await isHeld(config.state_dir);
  const findings: Finding[] = forward ? await checkForward(forward, isRunning) : [];
  for (const { path, tag } of line_sockets) {
    findings.push(await checkSocket(`line_sockets "${tag}"`, path));
  }
  if (stdin) findings.push(fine(`stdin: its lines are sent as "${stdin.tag}"`));
  return [...findings, ...(await checkMonitor(monitor, isRunning))];
}

async function checkMonitor(monitor: MonitorConfig, isRunning: boolean): Promise<Finding[]> {
  const { port, address, unix_path } = monitor;
  const findings: Finding[] = [];
  if (port !== 0) findings.push(await checkPort("monitor", address, port, isRunning));
  if (unix_path !== undefined) findings.push(await checkSocket("monitor", unix_path));
  try {
    await readToken(monitor);
  } catch (error) {
    findings.push(problem(`monitor: ${systemReason(error)}`));
  }
  return findings;
}

async function checkForward(forward: ForwardConfig, isRunning: boolean): Promise<Finding[]> {
  const { bind, port, unix_path } = forward;
  const findings: Finding[] = [];
  if (port !== undefined) findings.push(await checkPort("forward", bind, port, isRunning));
  if (unix_path !== undefined) findings.push(await checkSocket("forward", unix_path));
  findings.push(await checkSecrets(forward));
  if (forward.tls) findings.push(await checkTls(forward.tls));
  return findings;
}

async function checkPort(what: string, host: string, port: number, isRunning: boolean): Promise<Finding> {
  const server = createServer();
  const address = `${host}:${port}`;
  try {
    server.listen(port, host);
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return fine(`${what}: ${address} is free`);
  } catch (error) {
    const isOurs = isRunning && systemCode(error) === "EADDRINUSE";
    return isOurs
      ? fine(`${what}: ${address} is in use, and the agent runs`)
      : problem(`${what}: ${systemReason(error)}`);
  }
}

/** A socket that is there is replaced, another file is not. */
async function checkSocket(what: string, path: string): Promise<Finding> {
  try {
    await access(dirname(path), constants.W_OK | constants.X_OK);
    const found = await lstat(path).catch(() => undefined);
    if (found && !found.isSocket()) return problem(`${what}: ${path} is there, and no socket`);
    return fine(`${what}: ${path} can be made`);
  } catch (error) {
    return problem(`${what}: ${systemReason(error)}`);
  }
}

async function checkSecrets(forward: ForwardConfig): Promise<Finding> {
  try {
    const key = await readSharedKey(forward);
    const isClosed = key !== undefined || forward.tls?.client_ca_file !== undefined;
    if (!isClosed) return fine("forward: whoever reaches it may send");
    const users = forward.users.length > 0 ? ` and one of ${forward.users.length} users` : "";
    const proof = key === undefined ? "a certificate" : `the shared key${users}`;
    return fine(`forward: who sends must have ${proof}`);
  } catch (error) {
    return problem(`forward: ${systemReason(error)}`);
  }
}

async function checkTls(tls: NonNullable<ForwardConfig["tls"]>): Promise<Finding> {
  try {
    const cert = await readNamed(tls.cert_file, "cert_file");
    const key = await readNamed(tls.key_file, "key_file");
    const ca = tls.client_ca_file && (await readNamed(tls.client_ca_file, "client_ca_file"));
    // Complains of a key that is not the certificate's.
    createSecureContext({ cert, key, ...(ca ? { ca } : {}) });
    return checkValidity(tls.cert_file, new X509Certificate(cert));
  } catch (error) {
    return problem(`forward: tls: ${systemReason(error)}`);
  }
}

function checkValidity(path: string, { validFrom, validTo }: X509Certificate): Finding {
  const now = Date.now();
  if (Date.parse(validFrom) > now) return problem(`forward: tls: ${path} is not valid before ${validFrom}`);
  if (Date.parse(validTo) < now) return problem(`forward: tls: ${path} was valid until ${validTo}`);
  const soon = Date.parse(validTo) - now < CERTIFICATE_SOON_MS ? ", which is soon" : "";
  return fine(`forward: tls: key and certificate match, valid until ${validTo}${soon}`);
}
