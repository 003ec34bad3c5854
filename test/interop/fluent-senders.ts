import { writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface SenderSettings {
  readonly compress?: "gzip";
  readonly sharedKey?: string;
  readonly user?: { readonly name: string; readonly password: string };
}

interface Target extends SenderSettings {
  /** File whose lines it sends. */
  readonly log: string;
  readonly port: number;
  /** For TLS. */
  readonly caFile?: string | undefined;
}

/** A program of others that tails a file and forwards its lines, with acknowledgements and without end. */
export interface Sender {
  /** Variable of the environment that names the program. */
  readonly variable: string;
  readonly command: string;
  /** Writes its configuration into a folder. @returns its arguments */
  configure(folder: string, target: Target): Promise<string[]>;
}

export const fluentBit: Sender = {
  variable: "FLUENT_BIT",
  command: process.env["FLUENT_BIT"] ?? "fluent-bit",
  async configure(folder, { log, port, caFile, compress, sharedKey, user }) {
    const output = {
      name: "forward",
      match: "*",
      host: "localhost",
      port,
      require_ack_response: true,
      retry_limit: "no_limits",
      ...(caFile !== undefined && { tls: true, "tls.verify": true, "tls.ca_file": caFile }),
      ...(compress && { compress }),
      ...(sharedKey !== undefined && { shared_key: sharedKey, self_hostname: "sender" }),
      ...(user && { username: user.name, password: user.password }),
    };
    const input = { name: "tail", path: log, tag: "app.web", key: "message", read_from_head: true };
    const service = { flush: 0.2, log_level: "info", "scheduler.base": 1, "scheduler.cap": 2 };
    // YAML has JSON in it.
    const path = join(folder, "fluent-bit.yaml");
    await writeFile(path, JSON.stringify({ service, pipeline: { inputs: [input], outputs: [output] } }));
    return ["-c", path];
  },
};

export const fluentd: Sender = {
  variable: "FLUENTD",
  command: process.env["FLUENTD"] ?? "fluentd",
  async configure(folder, { log, port, caFile, compress, sharedKey, user }) {
    const path = join(folder, "fluent.conf");
    await writeFile(
      path,
      `<source>
  @type tail
  path ${log}
  pos_file ${join(folder, "fluentd.pos")}
  tag app.web
  read_from_head true
  <parse>
    @type none
  </parse>
</source>
<match app.**>
  @type forward
  require_ack_response true
  ${compress === undefined ? "" : `compress ${compress}`}
  ${caFile === undefined ? "" : `transport tls\n  tls_cert_path ${caFile}`}
  ${sharedKey === undefined ? "" : `<security>\n    self_hostname sender\n    shared_key ${sharedKey}\n  </security>`}
  <server>
    host localhost
    port ${port}
    ${user === undefined ? "" : `username ${user.name}\n    password ${user.password}`}
  </server>
  <buffer>
    flush_interval 0.2s
    flush_thread_interval 0.1s
    retry_type periodic
    retry_wait 0.2s
    retry_forever true
  </buffer>
</match>
`,
    );
    return ["-c", path, "--no-supervisor"];
  },
};
