import type { Readable } from "node:stream";
import { type KinesisClient, KinesisServiceException, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { getEndpointFromInstructions } from "@smithy/core/endpoints";
import { HttpRequest, type HttpResponse, loadJsonRpcErrorCode } from "@smithy/core/protocols";
import { readAnswer } from "./cbor-body.ts";
import { beginning } from "./foreign-answer.ts";

const TARGET = "Kinesis_20131202.PutRecords";
const SIGNATURE_V4 = "aws.auth#sigv4";

/** No answer for 500 records is as long. */
const ANSWER_MAX_BYTES = 2 ** 20;

type Endpoint = Awaited<ReturnType<typeof getEndpointFromInstructions>>;

/**
 * PutRecords with a body that is written already. The client's endpoint, credentials, signer with its corrected clock,
 * and connections serve it; its middleware does not, which takes more than a millisecond of CPU for each call.
 */
export class DirectCall {
  readonly #client: KinesisClient;
  #endpoint: Endpoint | undefined;

  constructor(client: KinesisClient) {
    this.#client = client;
  }

  /**
   * @returns the answer, of JSON or CBOR
   * @throws KinesisServiceException, as a command of the SDK does, and what signing and the connection fail with
   */
  async send(contentType: string, body: Buffer, signal: AbortSignal): Promise<unknown> {
    const { config } = this.#client;
    const endpoint = (this.#endpoint ??= await getEndpointFromInstructions({}, PutRecordsCommand, config));
    const { signer } = config.httpAuthSchemes.find(({ schemeId }) => schemeId === SIGNATURE_V4)!;
    const region = await config.region();
    const signing = {
      config,
      signingRegion: region,
      signingName: "kinesis",
      context: { endpointV2: endpoint },
    };
    // The signer asks for credentials itself.
    const signed = await signer.sign(requestTo(endpoint.url, contentType, body), NO_IDENTITY, signing);
    const { response } = await config.requestHandler.handle(signed as HttpRequest, { abortSignal: signal });
    const answer = await readWhole(response.body as Readable);
    if (response.statusCode !== 200) signer.errorHandler?.(signing)(exceptionOf(response, answer));
    signer.successHandler?.(response, signing);
    return readAnswer(answer);
  }
}

const NO_IDENTITY = {};

function requestTo(
  { protocol, hostname, port, pathname }: URL,
  contentType: string,
  body: Buffer,
): HttpRequest {
  return new HttpRequest({
    method: "POST",
    protocol,
    hostname,
    ...(port === "" ? {} : { port: Number(port) }),
    path: pathname.endsWith("/") ? pathname : `${pathname}/`,
    headers: {
      host: port === "" ? hostname : `${hostname}:${port}`,
      "content-type": contentType,
      "content-length": `${body.length}`,
      "user-agent": "weir-agent",
      "x-amz-target": TARGET,
    },
    body,
  });
}

/** @throws Error for one that is longer than any answer */
async function readWhole(body: Readable): Promise<Buffer> {
  const answer = await beginning(body, ANSWER_MAX_BYTES + 1);
  if (answer.length <= ANSWER_MAX_BYTES) return answer;
  throw new Error(`the answer is longer than ${ANSWER_MAX_BYTES} bytes`);
}

function exceptionOf(response: HttpResponse, answer: Buffer): KinesisServiceException {
  const { statusCode } = response;
  const said = errorIn(answer);
  const exception = new KinesisServiceException({
    name: loadJsonRpcErrorCode(response, said, false) ?? "Unknown",
    message: said.message ?? said.Message ?? "no more is said",
    $fault: statusCode < 500 ? "client" : "server",
    $metadata: { httpStatusCode: statusCode },
  });
  // The signer corrects its clock by the date that it bears; no log is to show it.
  return Object.defineProperty(exception, "$response", { value: response, enumerable: false });
}

/** A failure may be told by a header alone. */
function errorIn(answer: Buffer): { readonly message?: string; readonly Message?: string } {
  try {
    return Object(readAnswer(answer)) as ReturnType<typeof errorIn>;
  } catch {
    return {};
  }
}
