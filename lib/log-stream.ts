import { Duration, RemovalPolicy, Stack, Validations } from "aws-cdk-lib";
import { Stream, StreamEncryption, StreamMode } from "aws-cdk-lib/aws-kinesis";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import { Key } from "aws-cdk-lib/aws-kms";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { Construct } from "constructs";

interface NewStreamProps {
  readonly kind: "new";
  /** Capacity: as it comes, or so many shards. */
  readonly mode: "on-demand" | { readonly shards: number };
  readonly retentionHours: number;
  readonly key: IKey;
}

interface ExistingStreamProps {
  /** A stream of the user's, in the account and region of the stack. */
  readonly kind: "existing";
  readonly name: string;
  /**
   * Key that the stream encrypts with.
   *
   * @default one of Kinesis', for which nobody needs rights, or none
   */
  readonly keyArn?: string;
}

export function logStream(
  scope: Construct,
  id: string,
  props: NewStreamProps | ExistingStreamProps,
): IStream {
  if (props.kind === "new") return new LogStream(scope, id, props);
  const { name: resourceName, keyArn } = props;
  return Stream.fromStreamAttributes(scope, id, {
    streamArn: Stack.of(scope).formatArn({ service: "kinesis", resource: "stream", resourceName }),
    ...(keyArn !== undefined && { encryptionKey: Key.fromKeyArn(scope, `${id}Key`, keyArn) }),
  });
}

/**
 * The stream is the buffer that replay reads, so it outlives the stack. Never service-managed (`AUTO`):
 * such streams take KPL aggregates but their consumers drop them.
 */
class LogStream extends Stream {
  constructor(scope: Construct, id: string, { mode, retentionHours, key }: NewStreamProps) {
    super(scope, id, {
      ...(mode === "on-demand"
        ? { streamMode: StreamMode.ON_DEMAND }
        : { streamMode: StreamMode.PROVISIONED, shardCount: mode.shards }),
      retentionPeriod: Duration.hours(retentionHours),
      encryption: StreamEncryption.KMS,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    Validations.of(this).acknowledge({
      id: "AwsSolutions-KDS3",
      reason: "a key of our own can be audited and revoked; agents write seldom enough to pay its requests",
    });
  }
}
