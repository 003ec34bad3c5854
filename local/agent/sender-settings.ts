import { networkInterfaces } from "node:os";
import type { ForwardConfig } from "../../agent/config/forward-config.ts";
import type { AgentFile } from "./agent-file.ts";

/** Variable that stands for a key which is written out in the agent's file: keys are not printed. */
const KEY_VARIABLE = "WEIR_SHARED_KEY";
const PASSWORD_VARIABLE = "WEIR_PASSWORD";

/** How to send to the inputs of an agent, ready to be copied: one part for each kind of sender. */
export function senderSettings({ config: { forward, line_sockets, stdin } }: AgentFile): string {
  const parts = [
    ...(forward ? forwardParts(forward) : []),
    ...line_sockets.map(({ path, tag }) =>
      part(`a line at a time, as ${tag}`, `tail -F FILE | nc -U ${path}`),
    ),
    ...(stdin ? [part(`standard input, as ${stdin.tag}`, "tail -F FILE | npm start -- --agent ...")] : []),
  ];
  return parts.map((text) => `\n${text}\n`).join("") + (parts.length > 0 ? "\n" : "");
}

function forwardParts(forward: ForwardConfig): string[] {
  const { port, unix_path, bind } = forward;
  const others = port !== undefined && ANY.has(bind) ? addressesOfOthers(port) : [];
  return [
    ...(port === undefined ? [] : [part("Fluentd", fluentd(forward, port))]),
    part("Fluent Bit", fluentBitYaml(forward)),
    part("Fluent Bit, classic format", fluentBitClassic(forward)),
    part("Docker", docker(forward)),
    ...(others.length > 0 ? [part("From containers and other hosts", others.join("\n"))] : []),
    ...(unix_path !== undefined && port !== undefined
      ? [part("The same by a Unix socket", `Fluent Bit: unix_path ${unix_path}`)]
      : []),
  ];
}

const part = (title: string, body: string): string => `# ${title}\n${body}`;

const ANY = new Set(["0.0.0.0", "::", "[::]"]);
const hostOf = ({ bind }: ForwardConfig): string => (ANY.has(bind) ? "127.0.0.1" : bind);
const hasKey = ({ shared_key, shared_key_file }: ForwardConfig): boolean =>
  (shared_key ?? shared_key_file) !== undefined;

function addressesOfOthers(port: number): string[] {
  return Object.values(networkInterfaces())
    .flat()
    .filter((address) => address && !address.internal && address.family === "IPv4")
    .map((address) => `${address!.address}:${port}`);
}

/** source: docs.fluentd.org/output/forward, read 2026-11; what stands in "#{}" is Ruby */
function fluentd(forward: ForwardConfig, port: number): string {
  const { shared_key_file, users, tls } = forward;
  const key =
    shared_key_file === undefined ? `ENV['${KEY_VARIABLE}']` : `File.read('${shared_key_file}').strip`;
  const [user] = users;
  return [
    "<match **>",
    "  @type forward",
    "  require_ack_response true",
    ...(tls
      ? [
          "  transport tls",
          `  tls_cert_path ${tls.cert_file}    # or of the authority that signed it`,
          ...(tls.client_ca_file === undefined
            ? []
            : ["  tls_client_cert_path CLIENT.pem", "  tls_client_private_key_path CLIENT.key"]),
        ]
      : []),
    "  <server>",
    `    host ${hostOf(forward)}`,
    `    port ${port}`,
    ...(user ? [`    username ${user.username}`, `    password "#{ENV['${PASSWORD_VARIABLE}']}"`] : []),
    "  </server>",
    ...(hasKey(forward)
      ? [
          "  <security>",
          '    self_hostname "#{Socket.gethostname}"',
          `    shared_key "#{${key}}"`,
          "  </security>",
        ]
      : []),
    "  <buffer>",
    "    flush_interval 1s",
    "  </buffer>",
    "</match>",
  ].join("\n");
}

/** source: docs.fluentbit.io, Forward output, read 2026-11 */
function fluentBitSettings(forward: ForwardConfig): [name: string, value: string][] {
  const { port, unix_path, users, tls } = forward;
  const [user] = users;
  return [
    ["name", "forward"],
    ["match", "*"],
    ...(port === undefined
      ? [["unix_path", unix_path!] satisfies [string, string]]
      : ([
          ["host", hostOf(forward)],
          ["port", `${port}`],
        ] satisfies [string, string][])),
    ["require_ack_response", "true"],
    // A chunk that fails twice is dropped by default, as happens where Fluent Bit is started before the agent.
    ["retry_limit", "no_limits"],
    ...(hasKey(forward) ? [["shared_key", `\${${KEY_VARIABLE}}`] satisfies [string, string]] : []),
    ...(user
      ? ([
          ["username", user.username],
          ["password", `\${${PASSWORD_VARIABLE}}`],
        ] satisfies [string, string][])
      : []),
    ...(tls
      ? ([
          ["tls", "on"],
          ["tls.verify", "on"],
          ["tls.ca_file", tls.cert_file],
          ...(tls.client_ca_file === undefined
            ? []
            : [
                ["tls.crt_file", "CLIENT.pem"],
                ["tls.key_file", "CLIENT.key"],
              ]),
        ] as [string, string][])
      : []),
  ];
}

function fluentBitYaml(forward: ForwardConfig): string {
  const settings = fluentBitSettings(forward).map(([name, value]) => `${name}: ${yamlText(value)}`);
  return [
    "pipeline:",
    "  outputs:",
    ...settings.map((line, i) => `    ${i === 0 ? "-" : " "} ${line}`),
    ...keyNote(forward),
  ].join("\n");
}

const yamlText = (value: string): string =>
  /^[\w./${}:-]+$/.test(value) ? value : `'${value.replaceAll("'", "''")}'`;

function fluentBitClassic(forward: ForwardConfig): string {
  return [
    "[OUTPUT]",
    ...fluentBitSettings(forward).map(([name, value]) => `    ${name.padEnd(20)} ${value}`),
  ].join("\n");
}

function keyNote({ shared_key, shared_key_file, users }: ForwardConfig): string[] {
  return [
    ...(shared_key_file === undefined ? [] : [`# export ${KEY_VARIABLE}="$(cat ${shared_key_file})"`]),
    ...(shared_key === undefined ? [] : [`# export ${KEY_VARIABLE}=...   [forward] shared_key`]),
    ...(users.length > 0 ? [`# export ${PASSWORD_VARIABLE}=...   of ${users[0]!.username}`] : []),
  ];
}

/** source: docs.docker.com, Fluentd logging driver, read 2026-11 */
function docker(forward: ForwardConfig): string {
  const { port, unix_path, tls } = forward;
  const isOpenPort = port !== undefined && !hasKey(forward) && !tls;
  if (!isOpenPort && unix_path === undefined) {
    return "Its driver can neither prove a shared key nor be told of a certificate:\ngive [forward] a unix_path, or send through Fluent Bit";
  }
  const address =
    unix_path !== undefined && !isOpenPort ? `unix://${unix_path}` : `${hostOf(forward)}:${port}`;
  const options = {
    "fluentd-address": address,
    "fluentd-async": "true",
    "fluentd-request-ack": "true",
    tag: "TAG",
  };
  const flags = Object.entries(options).map(([name, value]) => `--log-opt ${name}=${value}`);
  return [
    `docker run --log-driver fluentd ${flags.join(" ")} IMAGE`,
    "# or in compose.yaml, under a service",
    "    logging:",
    "      driver: fluentd",
    "      options:",
    ...Object.entries(options).map(([name, value]) => `        ${name}: "${value}"`),
  ].join("\n");
}
