import type { IncomingMessage, ServerResponse } from "node:http";
import { signerOf } from "./fault-kinesis.ts";
import { bodyOf, LocalServer } from "./local-server.ts";

/** An STS that assumes any role: its nth credentials have the access key `ASIA<n>`. */
export class FakeSts implements AsyncDisposable {
  /** What it was asked, with the access key that signed it. */
  readonly asked: Readonly<Record<string, string>>[] = [];
  /** Of the nth credentials; undefined is an STS that is down. */
  validMs: (n: number) => number | undefined = () => 3_600_000;
  #server!: LocalServer;

  static async start(): Promise<FakeSts> {
    const sts = new FakeSts();
    sts.#server = await LocalServer.start((request, response) => void sts.#answer(request, response));
    return sts;
  }

  get url(): string {
    return this.#server.url;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fields = Object.fromEntries(new URLSearchParams(await bodyOf(request)));
    const n = this.asked.push({ ...fields, signer: signerOf(request) });
    const validMs = this.validMs(n);
    response.writeHead(validMs === undefined ? 503 : 200, { "content-type": "text/xml" });
    response.end(validMs === undefined ? "" : answer(fields["Action"]!, n, validMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}

function answer(action: string, n: number, validMs: number): string {
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/logs/session</Arn><AssumedRoleId>AROA:session</AssumedRoleId></AssumedRoleUser>
<Credentials><AccessKeyId>ASIA${n}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
<Expiration>${new Date(Date.now() + validMs).toISOString()}</Expiration></Credentials>
</${action}Result></${action}Response>`;
}
