"""MiniStack with policies enforced, and with what it lacks for Weir's stack.

What it lacks is made up here rather than in the constructs:

- resource types that it does not know are recorded, and answer Ref and GetAtt; so are alarms of expressions;
- namespaces and workgroups of Redshift Serverless are such records, and can be asked for by name;
- the Redshift Data API asks for permission as the service does, and hands the rest to REDSHIFT_ENDPOINT;
- bucket policies that ask for TLS are content with plain HTTP, which never leaves this machine;
- variables in conditions of policies stand for the caller's values;
- an event source mapping is asked for, and changed, by the actions of one;
- batches of a stream that a function fails on are given up, to the mapping's bucket, as its settings say.

Each decision about a caller that is not the account's root is written to CALLS_FILE, one JSON object a line.
"""

import asyncio
import contextvars
import datetime
import json
import os
import re
import signal
import sys
import threading
import urllib.error
import urllib.request
import uuid

from ministack import app as gateway
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import lambda_svc
from ministack.services.cloudformation import provisioners


def arn(service, resource):
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def recorded(name, attributes):
    """A resource type of which nothing is made."""

    def create(logical_id, properties, stack_name):
        fail_on_demand(logical_id)
        physical_id = name(logical_id, properties, stack_name)
        return physical_id, attributes(physical_id, properties)

    def update(physical_id, _old, properties, stack_name):
        return physical_id, attributes(physical_id, properties)

    return {"create": create, "update": update, "delete": lambda physical_id, properties: None}


serverless = {"namespace": {}, "workgroup": {}}


def serverless_resource(kind, describe):
    """A namespace or workgroup: its name is taken until it is deleted."""
    name_property = f"{kind.capitalize()}Name"

    def key(name):
        return (get_account_id(), get_region(), name)

    def create(logical_id, properties, stack_name):
        fail_on_demand(logical_id)
        name = properties[name_property]
        if key(name) in serverless[kind]:
            raise ValueError(f"ConflictException: {kind} {name} already exists")
        serverless[kind][key(name)] = describe(name, properties)
        return name, attributes(name)

    def attributes(name):
        described = serverless[kind][key(name)]
        return {f"{kind.capitalize()}.{word[0].upper()}{word[1:]}": value for word, value in described.items()}

    def update(name, _old, properties, stack_name):
        if properties[name_property] != name:
            return create("", properties, stack_name)
        serverless[kind][key(name)] = describe(name, properties)
        return name, attributes(name)

    def delete(name, properties):
        serverless[kind].pop(key(name), None)

    return {"create": create, "update": update, "delete": delete}


def secret(name):
    """Secrets Manager adds six characters to a secret's name."""
    return arn("secretsmanager", f"secret:{name}-a1b2c3")


def namespace(name, properties):
    return {
        "namespaceArn": arn("redshift-serverless", f"namespace/{name}"),
        "namespaceId": name,
        "namespaceName": name,
        "dbName": properties.get("DbName", "dev"),
        "adminUsername": "admin",
        "adminPasswordSecretArn": secret(f"redshift!{name}-admin"),
        "status": "AVAILABLE",
    }


def workgroup(name, properties):
    return {
        "workgroupArn": arn("redshift-serverless", f"workgroup/{name}"),
        "workgroupId": name,
        "workgroupName": name,
        "namespaceName": properties.get("NamespaceName"),
        "status": "AVAILABLE",
    }


def fail_on_demand(logical_id):
    """Fails resources whose logical id begins as the file FAIL_FILE says, as a full quota would."""
    try:
        with open(os.environ["FAIL_FILE"], encoding="utf-8") as file:
            prefix = file.read().strip()
    except FileNotFoundError:
        return
    if prefix and logical_id.startswith(prefix):
        raise ValueError(f"{logical_id}: the account's quota is used up")


recorded_alarm = recorded(
    lambda logical_id, properties, stack: properties.get("AlarmName", f"{stack}-{logical_id}"),
    lambda name, _: {"Arn": arn("cloudwatch", f"alarm:{name}")},
)

UNKNOWN_TYPES = {
    "AWS::CloudWatch::CompositeAlarm": recorded_alarm,
    "AWS::CloudWatch::Dashboard": recorded(
        lambda logical_id, properties, stack: properties.get("DashboardName", f"{stack}-{logical_id}"),
        lambda name, _: {},
    ),
    "AWS::EC2::FlowLog": recorded(
        lambda logical_id, _, stack: f"fl-{abs(hash((stack, logical_id))):017x}"[:20],
        lambda name, _: {"Id": name},
    ),
    "AWS::RedshiftServerless::Namespace": serverless_resource("namespace", namespace),
    "AWS::RedshiftServerless::Workgroup": serverless_resource("workgroup", workgroup),
}


def add_unknown_types():
    for resource_type, handler in UNKNOWN_TYPES.items():
        provisioners._RESOURCE_HANDLERS.setdefault(resource_type, handler)


def record_alarms_of_expressions():
    alarm = dict(provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"])

    def handler_of(properties):
        return recorded_alarm if "Metrics" in properties else alarm

    def create(logical_id, properties, stack_name):
        return handler_of(properties)["create"](logical_id, properties, stack_name)

    def update(physical_id, old, properties, stack_name, logical_id=None):
        if "Metrics" in properties:
            return recorded_alarm["update"](physical_id, old, properties, stack_name)
        return alarm["update"](physical_id, old, properties, stack_name, logical_id=logical_id)

    def delete(physical_id, properties):
        handler_of(properties)["delete"](physical_id, properties)

    provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"] = {
        **alarm,
        "create": create,
        "update": update,
        "delete": delete,
    }


def stand_for_tls():
    pin = iam_evaluator.pin_request_origin

    def pin_as_tls(source_ip, _secure_transport):
        pin(source_ip, True)

    iam_evaluator.pin_request_origin = pin_as_tls
    gateway.pin_request_origin = pin_as_tls


def fill_in_policy_variables():
    conditions_met = iam_evaluator._conditions_met

    def value_of(variable, context):
        return str(iam_evaluator._resolve_condition_key(variable.group(1), context))

    def filled_in(condition, context):
        if isinstance(condition, dict):
            return {key: filled_in(value, context) for key, value in condition.items()}
        if isinstance(condition, list):
            return [filled_in(value, context) for value in condition]
        return re.sub(r"\$\{(aws:\w+)\}", lambda variable: value_of(variable, context), str(condition))

    iam_evaluator._conditions_met = lambda conditions, context: conditions_met(
        filled_in(conditions or {}, context), context
    )


asked = contextvars.ContextVar("asked", default=None)


def record_decisions():
    """Notes what is asked within `enforce`, and its answer, which weighs the policies of resources as well."""
    enforce, evaluate = iam_evaluator.enforce, iam_evaluator.evaluate
    calls = open(os.environ["CALLS_FILE"], "a", encoding="utf-8", buffering=1)

    def evaluate_and_note(context, *policies):
        if asked.get() is not None:
            asked.get().append(context)
        return evaluate(context, *policies)

    def enforce_and_record(*args, **options):
        questions = []
        token = asked.set(questions)
        try:
            denied = enforce(*args, **options)
        finally:
            asked.reset(token)
        if questions:
            call = {
                "principal": questions[0].principal_arn,
                "action": questions[0].action,
                "resource": questions[0].resource_arn,
                "context": {**questions[0].service_context, **questions[0].principal_keys},
                "allowed": denied is None,
            }
            calls.write(json.dumps(call, default=str) + "\n")
        return denied

    iam_evaluator.evaluate = evaluate_and_note
    iam_evaluator.enforce = enforce_and_record


OF_A_STATEMENT = {"CancelStatement", "DescribeStatement", "GetStatementResult"}
DATA_API = "RedshiftData."

statement_owners = {}


def data_api_checks(operation, request):
    """What the Data API asks IAM before it does something: (action, resource) for each question.
    source: "Authorizing access to the Amazon Redshift Data API", read 2026-11"""
    if operation in OF_A_STATEMENT:
        return [(f"redshift-data:{operation}", "*")]
    if "ClusterIdentifier" in request:
        cluster, database = request["ClusterIdentifier"], request["Database"]
        target = arn("redshift", f"cluster:{cluster}")
        sign_in = ("redshift:GetClusterCredentialsWithIAM", arn("redshift", f"dbname:{cluster}/{database}"))
        if "DbUser" in request:
            sign_in = ("redshift:GetClusterCredentials", arn("redshift", f"dbuser:{cluster}/{request['DbUser']}"))
    else:
        workgroup = request["WorkgroupName"].split("/")[-1]
        target = arn("redshift-serverless", f"workgroup/{workgroup}")
        sign_in = ("redshift-serverless:GetCredentials", target)
    if "SecretArn" in request:
        named = request["SecretArn"]
        sign_in = ("secretsmanager:GetSecretValue", named if named.startswith("arn:") else secret(named))
    return [(f"redshift-data:{operation}", target), sign_in]


async def answer_data_api(headers, body, request_id):
    operation = headers["x-amz-target"].removeprefix(DATA_API)
    request = json.loads(body)
    caller = iam_evaluator.resolve_caller_identity(extract_access_key_id(headers, {})) or {}
    statement = request.get("Id", "").split(":")[0]
    owner = statement_owners.get(statement) if operation in OF_A_STATEMENT else caller.get("userId")
    for action, resource in data_api_checks(operation, request):
        denied = gateway._enforce_data_plane(
            action.split(":")[0],
            action,
            headers,
            {},
            request_id,
            resource_arn=resource,
            service_context={"redshift-data:statement-owner-iam-userid": owner},
        )
        if denied:
            return denied
    status, answer = await asyncio.to_thread(forward, operation, body)
    if operation not in OF_A_STATEMENT:
        statement_owners[json.loads(answer).get("Id")] = caller.get("userId")
    return status, {"Content-Type": "application/x-amz-json-1.1"}, answer


def forward(operation, body):
    headers = {"x-amz-target": f"{DATA_API}{operation}"}
    request = urllib.request.Request(os.environ["REDSHIFT_ENDPOINT"], body, headers, method="POST")
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


SERVERLESS_API = "RedshiftServerless."


def answer_serverless(headers, body, request_id):
    operation = headers["x-amz-target"].removeprefix(SERVERLESS_API)
    verb, kind = re.fullmatch(r"(Get|List)(Namespace|Workgroup)s?", operation).groups()
    kind = kind.lower()
    request = json.loads(body)
    name = request.get(f"{kind}Name", "*")
    resource = arn("redshift-serverless", f"{kind}/{name}")
    action = f"redshift-serverless:{operation}"
    denied = gateway._enforce_data_plane(
        "redshift-serverless", action, headers, {}, request_id, resource_arn=resource
    )
    if denied:
        return denied
    here = {key[2]: item for key, item in serverless[kind].items() if key[:2] == (get_account_id(), get_region())}
    if verb == "List":
        return json_answer(200, {f"{kind}s": list(here.values())})
    if name not in here:
        return json_answer(400, {"__type": "ResourceNotFoundException", "message": f"no {kind} {name}"})
    return json_answer(200, {kind: here[name]})


def json_answer(status, value):
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(value).encode()


def serve_redshift():
    shortcuts = gateway._handle_post_body_shortcuts

    async def with_redshift(method, path, headers, body, query_params, request_id):
        target = headers.get("x-amz-target", "")
        if target.startswith(DATA_API):
            return await answer_data_api(headers, body, request_id)
        if target.startswith(SERVERLESS_API):
            return answer_serverless(headers, body, request_id)
        return await shortcuts(method, path, headers, body, query_params, request_id)

    gateway._handle_post_body_shortcuts = with_redshift


ONE_MAPPING = {"GET": "GetEventSourceMapping", "PUT": "UpdateEventSourceMapping", "DELETE": "DeleteEventSourceMapping"}


def tell_mappings_apart():
    action = iam_actions._lambda_action

    def action_of(method, path):
        if re.search(r"/event-source-mappings/[^/]+/?$", path):
            return ONE_MAPPING.get(method)
        return action(method, path)

    iam_actions._lambda_action = action_of


polled = contextvars.ContextVar("polled", default=False)


def give_up_batches():
    """Batches that fail for good are written to the mapping's S3 destination, with their payload, and passed over.
    source: "Retain discarded records for a Kinesis event source", Lambda guide, read 2026-11"""
    poll, execute = lambda_svc._poll_kinesis, lambda_svc._execute_function
    failures = {}

    def poll_and_tell():
        token = polled.set(True)
        try:
            return poll()
        finally:
            polled.reset(token)

    def execute_or_give_up(function, event):
        result = execute(function, event)
        if not polled.get():
            return result
        first = event["Records"][0]
        if not result.get("error"):
            failures.pop(first["eventID"], None)
            return result
        failures[first["eventID"]] = failures.get(first["eventID"], 0) + 1
        mapping = mapping_of(first["eventSourceARN"])
        if failures[first["eventID"]] <= mapping.get("MaximumRetryAttempts", -1):
            return result
        if not keep_failed(mapping, event["Records"]):
            return result
        return {"body": None}

    lambda_svc._poll_kinesis = poll_and_tell
    lambda_svc._execute_function = execute_or_give_up


def mapping_of(stream_arn):
    mappings = (mapping for _account, _region, mapping in lambda_svc._iter_all_esms())
    return next(mapping for mapping in mappings if mapping.get("EventSourceArn") == stream_arn)


def keep_failed(mapping, records):
    """Writes what Lambda writes, in the name of the account. Returns whether it is there."""
    bucket = mapping["DestinationConfig"]["OnFailure"]["Destination"].split(":")[-1]
    first, last = records[0], records[-1]
    shard = first["eventID"].split(":")[0]

    def iso(record):
        arrived = float(record["kinesis"]["approximateArrivalTimestamp"])
        return datetime.datetime.fromtimestamp(arrived, datetime.UTC).isoformat()

    now = datetime.datetime.now(datetime.UTC)
    request = str(uuid.uuid4())
    body = {
        "requestContext": {
            "requestId": request,
            "functionArn": mapping["FunctionArn"],
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": mapping["MaximumRetryAttempts"] + 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": now.isoformat(),
        "KinesisBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": first["kinesis"]["sequenceNumber"],
            "endSequenceNumber": last["kinesis"]["sequenceNumber"],
            "approximateArrivalOfFirstRecord": iso(first),
            "approximateArrivalOfLastRecord": iso(last),
            "batchSize": len(records),
            "streamArn": mapping["EventSourceArn"],
        },
        "payload": json.dumps({"Records": records}),
    }
    key = f"aws/lambda/{mapping['UUID']}/{shard}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{request}"
    credential = f"Credential={get_account_id()}/{now:%Y%m%d}/{get_region()}/s3/aws4_request"
    put = urllib.request.Request(
        f"{os.environ['AWS_ENDPOINT_URL']}/{bucket}/{key}",
        json.dumps(body).encode(),
        {"Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"},
        method="PUT",
    )
    with urllib.request.urlopen(put) as response:
        return response.status == 200


def end_with_parent():
    """The parent holds the other end of standard input: when it is gone, this group of processes ends."""

    def watch():
        sys.stdin.buffer.read()
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    add_unknown_types()
    record_alarms_of_expressions()
    stand_for_tls()
    fill_in_policy_variables()
    record_decisions()
    serve_redshift()
    tell_mappings_apart()
    give_up_batches()
    gateway.main()
