import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { KinesisClient } from "@aws-sdk/client-kinesis";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { LoaderAnswers, LoaderRequest } from "../../wire/loader-command.ts";
import { invoke, invokeLoader } from "./invoke.ts";
import { PlaceMetrics } from "./metrics.ts";
import { addressed, chosenLoaders, joinAnswers } from "./loaders.ts";
import { RouterMapping } from "./router-mapping.ts";

/** A pipeline that commands work on: a deployed stack, or the laptop cloud. */
export interface Place extends Disposable {
  /** For people: "stack Weir in eu-west-1". */
  readonly title: string;
  readonly s3: S3Client;
  /** The lake. */
  readonly bucket: string;
  readonly failureBucket: string;
  readonly kinesis: KinesisClient;
  readonly stream: string;
  /** Of the stream to the router. */
  readonly mapping: RouterMapping;
  /** Undefined where there is no CloudWatch. */
  readonly metrics: PlaceMetrics | undefined;
  /** @throws AccessError REFUSED with the loader's reason, NO_LOADER, FUNCTION_FAILED */
  invokeLoader<R extends LoaderRequest>(command: R): Promise<LoaderAnswers[R["command"]]>;
  /** @returns what the router answers @throws AccessError FUNCTION_FAILED */
  invokeRouter(event: object): Promise<unknown>;
}

/** Where a place is and what its parts are called. */
export interface PlaceNames {
  readonly title: string;
  /** The AWS SDK's own choice where absent. */
  readonly region: string | undefined;
  /** Of the laptop cloud; those of AWS where absent. */
  readonly endpoints?: { readonly s3: string; readonly kinesis: string; readonly lambda: string };
  readonly buckets: { readonly lake: string; readonly failures: string };
  readonly stream: string;
  /** Id of the event source mapping; undefined where the place is of an earlier release. */
  readonly mapping?: string | undefined;
  readonly functions: {
    readonly router: string;
    /** By the name of their warehouse, the main one first. */
    readonly loaders: ReadonlyMap<string, string>;
  };
}

/** Not secret: the laptop cloud takes any, but the SDK's clients will not go without. */
const LOCAL_CREDENTIALS = { accessKeyId: "local", secretAccessKey: "local" };

/**
 * A function that is at its reserved concurrency, since a tick runs, is asked again for about a minute. Nothing else ends
 * a request early: a function answers in its own time.
 */
const INVOKE_ATTEMPTS = 10;

/** @param warehouse the only one whose loader is asked; all of them if absent */
export function openPlace(names: PlaceNames, warehouse?: string): Place {
  const { title, region, endpoints, buckets, stream, mapping, functions } = names;
  const common = {
    ...(region !== undefined && { region }),
    ...(endpoints && { credentials: LOCAL_CREDENTIALS }),
  };
  const s3 = new S3Client({
    ...common,
    ...(endpoints && { endpoint: endpoints.s3, forcePathStyle: true }),
  });
  const kinesis = new KinesisClient({
    ...common,
    // A command needs no HTTP/2, the client's own choice, and stand-ins for Kinesis hardly speak it.
    requestHandler: new NodeHttpHandler(),
    ...(endpoints && { endpoint: endpoints.kinesis }),
  });
  const lambda = new LambdaClient({
    ...common,
    maxAttempts: INVOKE_ATTEMPTS,
    ...(endpoints && { endpoint: endpoints.lambda }),
  });
  const cloudWatch = endpoints ? undefined : new CloudWatchClient(common);
  return {
    title,
    s3,
    bucket: buckets.lake,
    failureBucket: buckets.failures,
    kinesis,
    stream,
    mapping: new RouterMapping(lambda, mapping, title),
    metrics: cloudWatch && new PlaceMetrics(cloudWatch, functions.router, [...functions.loaders.values()]),
    invokeLoader: async (request) => {
      const { command, warehouse: named = warehouse } = addressed(request);
      const answers = new Map<string, LoaderAnswers[(typeof command)["command"]]>();
      for (const [name, loader] of chosenLoaders(title, functions.loaders, named)) {
        answers.set(name, await invokeLoader(lambda, loader, command));
      }
      return joinAnswers(answers);
    },
    invokeRouter: (event) => invoke(lambda, functions.router, event),
    [Symbol.dispose]: () => {
      for (const client of [s3, kinesis, lambda, cloudWatch]) client?.destroy();
    },
  };
}
