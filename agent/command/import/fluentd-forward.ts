import { isAbsolute } from "node:path";
import { byteCount } from "./byte-count.ts";
import { type FluentdSection, typeOf } from "./fluentd-syntax.ts";
import { holdsRuby, variableNamed, variablesOf, withVariables } from "./fluentd-value.ts";
import { type ImportedForward, type Notes, openForward } from "./imported.ts";
import { tellOthers } from "./tell-others.ts";

/** What in_forward does unless it is told otherwise. source: docs.fluentd.org/input/forward, read 2026-11 */
const ANY_ADDRESS = "0.0.0.0";
const PORT = "24224";

const KNOWN = ["@type", "type", "@id", "@label", "bind", "chunk_size_limit", "security", "transport"];
const MAX_MESSAGE_BYTES = 2 ** 30;

/** An `@type forward` source. @returns undefined where it would not be as safe as it was */
export function importForward(source: FluentdSection, notes: Notes): ImportedForward | undefined {
  const { parameters, sections } = source;
  const where = "<source> forward";
  const port = Number(parameters.get("port") ?? PORT);
  const hasPort = Number.isInteger(port) && port >= 0 && port <= 65_535;
  tellOthers(where, source, hasPort ? [...KNOWN, "port"] : KNOWN, notes, {
    port: `left out; it is ${PORT} now`,
  });
  const transport = sections.find(({ name }) => name === "transport");
  const tls = transport?.argument === "tls" ? importTls(transport, notes) : undefined;
  if (transport?.argument === "tls" && tls === undefined) {
    notes.add(source.line, `${where}: left out, without its TLS it would be open`);
    return undefined;
  }
  const security = sections.find(({ name }) => name === "security");
  const limit = byteCount(parameters.get("chunk_size_limit"));
  const bind = parameters.get("bind") ?? ANY_ADDRESS;
  return openForward(
    {
      bind: holdsRuby(bind) ? ANY_ADDRESS : bind,
      port: hasPort ? port : Number(PORT),
      ...(limit === undefined
        ? {}
        : { max_message_bytes: Math.max(1_024, Math.min(MAX_MESSAGE_BYTES, limit)) }),
      ...(security ? importSecurity(security, notes) : {}),
      ...(tls ? { tls } : {}),
    },
    notes.at(source.line),
  );
}

/** Where the shared key is to be put, which is nothing to print. */
const KEY_FILE = "/etc/weir/forward.key";

function importSecurity(
  security: FluentdSection,
  notes: Notes,
): Pick<ImportedForward, "shared_key" | "shared_key_file" | "users"> {
  const { parameters, sections, lines } = security;
  const where = "<security>";
  tellOthers(where, security, ["shared_key", "user_auth", "user"], notes, {
    self_hostname: 'the handshake tells the host\'s name, or host = "..."',
    client: "who may connect is the firewall's matter; clients are not told apart by address",
    allow_anonymous_source: "who may connect is the firewall's matter",
  });
  const shared_key = parameters.get("shared_key");
  if (shared_key === undefined) {
    notes.add(security.line, `${where}: left out, there is no shared_key`);
    return {};
  }
  const isNamed = isVariable(shared_key);
  if (!isNamed) {
    const how = `put it into ${KEY_FILE}, which only the agent may read`;
    notes.add(lines.get("shared_key"), `${where}: shared_key: is not shown; ${how}`);
  }
  const users = sections
    .filter(({ name }) => name === "user" && parameters.get("user_auth") === "true")
    .map((user, i) => importUser(user, i + 1, notes));
  return {
    ...(isNamed ? { shared_key } : { shared_key_file: KEY_FILE }),
    ...(users.length === 0 ? {} : { users }),
  };
}

function importUser({ parameters, lines, line }: FluentdSection, number: number, notes: Notes) {
  const username = parameters.get("username") ?? "";
  const password = parameters.get("password") ?? "";
  if (isVariable(password)) return { username, password };
  const variable = `WEIR_FORWARD_PASSWORD_${number}`;
  const how = `set ${variable} in /etc/weir/environment`;
  notes.add(lines.get("password") ?? line, `<user>: password of user ${number}: is not shown; ${how}`);
  return { username, password: variableNamed(variable) };
}

/** Whether a value is nothing but a variable of the environment, which is no secret itself. */
function isVariable(value: string): boolean {
  return variablesOf(value).length === 1 && withVariables(value, () => "") === "";
}

function importTls(transport: FluentdSection, notes: Notes): ImportedForward["tls"] {
  const { parameters } = transport;
  const isChecked = parameters.get("client_cert_auth") === "true";
  const known = ["cert_path", "private_key_path", "client_cert_auth", ...(isChecked ? ["ca_path"] : [])];
  tellOthers("<transport tls>", transport, known, notes);
  const [cert_file, key_file, ca] = ["cert_path", "private_key_path", "ca_path"].map((name) => {
    const path = parameters.get(name);
    return path !== undefined && isAbsolute(path) ? path : undefined;
  });
  if (cert_file === undefined || key_file === undefined || (isChecked && ca === undefined)) {
    notes.add(
      transport.line,
      "<transport tls>: needs absolute paths of certificate and key, and of ca_path for clients",
    );
    return undefined;
  }
  return { cert_file, key_file, ...(isChecked && ca !== undefined ? { client_ca_file: ca } : {}) };
}

/** Whether a source is of this kind. */
export function isForward(source: FluentdSection): boolean {
  return typeOf(source) === "forward";
}
