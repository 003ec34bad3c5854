/**
 * What roles of the stack may do and what no test makes them do, each with why it is wanted. Whatever is
 * neither seen nor here should not be allowed.
 */

const POLLER = "Lambda's poller reads the stream in the role's name; the local one asks nobody";
const LOGS = "Lambda writes the function's output in the role's name; the local one asks nobody";

export const UNUSED_ACTIONS: Readonly<Record<string, string>> = {
  "RouterHandlerRole kinesis:DescribeStream": POLLER,
  "RouterHandlerRole kinesis:DescribeStreamSummary": POLLER,
  "RouterHandlerRole kinesis:GetRecords": POLLER,
  "RouterHandlerRole kinesis:GetShardIterator": POLLER,
  "RouterHandlerRole kinesis:ListShards": POLLER,
  "RouterHandlerRole kms:Decrypt": POLLER,
  "RouterHandlerRole s3:ListBucket": "Lambda checks the failure destination when the mapping is made",
  "RouterHandlerRole logs:CreateLogStream": LOGS,
  "RouterHandlerRole logs:PutLogEvents": LOGS,
  "LoaderHandlerRole logs:CreateLogStream": LOGS,
  "LoaderHandlerRole logs:PutLogEvents": LOGS,
  "LoaderHandlerRole redshift-data:CancelStatement": "a load that runs for too long",
  "LoaderHandlerRole redshift-data:ExecuteStatement":
    "a column that is to hold longer texts, outside a transaction",
  "LoaderTickRole lambda:InvokeFunction": "Scheduler's tick, every five minutes; the local one asks nobody",
  "LoaderTickRole sqs:SendMessage": "a tick that could not be delivered",
  "AgentPolicy cloudwatch:PutMetricData": "agents with [cloudwatch] in their configuration",
};
