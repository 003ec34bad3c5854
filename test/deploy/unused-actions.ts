/**
 * What roles of the stack may do and what no test makes them do, each with why it is wanted. Whatever is
 * neither seen nor here should not be allowed.
 */

const POLLER = "Lambda's poller reads the stream in the role's name; the local one asks nobody";
const LOGS = "Lambda writes the function's output in the role's name; the local one asks nobody";
const TICK = "Scheduler invokes the function in the role's name; the local one asks nobody";
const UNDELIVERED = "a tick that could not be delivered";
const OPERATOR = "people on duty and their commands, which work on the laptop cloud here";
const REPARSE = "lines that are filed anew, by a command that works on the laptop cloud here";
const ERASURE = "whoever erases lines, by a command that works on the laptop cloud here";

export const UNUSED_ACTIONS: Readonly<Record<string, string>> = {
  "AgentPolicy cloudwatch:PutMetricData": "agents with [cloudwatch] in their configuration",
  "ErasurePolicy kms:Decrypt": ERASURE,
  "ErasurePolicy kms:GenerateDataKey": ERASURE,
  "ErasurePolicy s3:DeleteObject": ERASURE,
  "ErasurePolicy s3:DeleteObjectVersion": ERASURE,
  "ErasurePolicy s3:GetBucketVersioning": ERASURE,
  "ErasurePolicy s3:ListBucketVersions": ERASURE,
  "ErasurePolicy s3:PutObject": ERASURE,
  "FleetHandlerRole logs:CreateLogStream": LOGS,
  "FleetHandlerRole logs:PutLogEvents": LOGS,
  "FleetHandlerRole sns:Publish": "a host that is silent, a file that is stuck",
  "FleetTickRole lambda:InvokeFunction": TICK,
  "FleetTickRole sqs:SendMessage": UNDELIVERED,
  "GuardHandlerRole logs:CreateLogStream": LOGS,
  "GuardHandlerRole logs:PutLogEvents": LOGS,
  "LoaderGrantsHandlerRole logs:CreateLogStream": LOGS,
  "LoaderGrantsHandlerRole logs:PutLogEvents": LOGS,
  "LoaderHandlerRole logs:CreateLogStream": LOGS,
  "LoaderHandlerRole logs:PutLogEvents": LOGS,
  "LoaderHandlerRole redshift-data:CancelStatement": "a load that runs for too long",
  "LoaderHandlerRole redshift-data:ExecuteStatement":
    "a column that is to hold longer texts, outside a transaction",
  "LoaderTickRole lambda:InvokeFunction": TICK,
  "LoaderTickRole sqs:SendMessage": UNDELIVERED,
  "OperatorPolicy cloudformation:DescribeStacks": OPERATOR,
  "OperatorPolicy cloudwatch:GetMetricData": OPERATOR,
  "OperatorPolicy cloudwatch:ListMetrics": OPERATOR,
  "OperatorPolicy kinesis:DescribeStreamSummary": OPERATOR,
  "OperatorPolicy kinesis:GetRecords": OPERATOR,
  "OperatorPolicy kinesis:GetShardIterator": OPERATOR,
  "OperatorPolicy kinesis:ListShards": OPERATOR,
  "OperatorPolicy kms:Decrypt": OPERATOR,
  "OperatorPolicy kms:GenerateDataKey": OPERATOR,
  "OperatorPolicy lambda:GetEventSourceMapping": OPERATOR,
  "OperatorPolicy lambda:InvokeFunction": OPERATOR,
  "OperatorPolicy lambda:UpdateEventSourceMapping": OPERATOR,
  "OperatorPolicy s3:DeleteObject": OPERATOR,
  "OperatorPolicy s3:GetObject": OPERATOR,
  "OperatorPolicy s3:ListBucket": OPERATOR,
  "OperatorPolicy s3:PutObject": OPERATOR,
  "RouterHandlerRole kinesis:DescribeStream": POLLER,
  "RouterHandlerRole kinesis:DescribeStreamSummary": POLLER,
  "RouterHandlerRole kinesis:GetRecords": POLLER,
  "RouterHandlerRole kinesis:GetShardIterator": POLLER,
  "RouterHandlerRole kinesis:ListShards": POLLER,
  "RouterHandlerRole kms:Decrypt": POLLER,
  "RouterHandlerRole logs:CreateLogStream": LOGS,
  "RouterHandlerRole logs:PutLogEvents": LOGS,
  "RouterHandlerRole s3:GetObject": REPARSE,
  "RouterHandlerRole s3:ListBucket":
    "Lambda checks the failure destination when the mapping is made; reparses",
  "SequencerHandlerRole logs:CreateLogStream": LOGS,
  "SequencerHandlerRole logs:PutLogEvents": LOGS,
  "SequencerTickRole lambda:InvokeFunction": TICK,
  "SequencerTickRole sqs:SendMessage": UNDELIVERED,
};
