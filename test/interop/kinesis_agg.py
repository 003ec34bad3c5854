"""Reads and writes aggregates with PyPI's aws_kinesis_agg.

    python kinesis_agg.py read | write

Lines of standard input and output hold fields divided by spaces, bytes in base64.

read:  takes an aggregate a line; gives for each a line with the number of its user records, and a line for
       each of those: partition key, data, explicit hash key.
write: takes a user record a line, an empty line after those of an aggregate; gives an aggregate a line.
"""

import sys
from base64 import b64decode, b64encode

from aws_kinesis_agg.aggregator import RecordAggregator
from aws_kinesis_agg.deaggregator import deaggregate_records


def read(lines):
    for line in lines:
        kinesis = {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "outer",
            "sequenceNumber": "1",
            "approximateArrivalTimestamp": 0,
            "data": line.strip(),
        }
        records = [record["kinesis"] for record in deaggregate_records([{"kinesis": kinesis}])]
        print(len(records))
        for record in records:
            partition_key = b64encode(record["partitionKey"].encode()).decode()
            print(partition_key, record["data"].decode(), record.get("explicitHashKey") or "")


def write(lines):
    aggregator = RecordAggregator()
    for line in lines:
        fields = line.rstrip("\n").split(" ")
        if fields == [""]:
            print(b64encode(aggregator.clear_and_get().get_contents()[2]).decode())
            continue
        partition_key, data, hash_key = fields
        aggregator.add_user_record(b64decode(partition_key).decode(), b64decode(data), hash_key or None)


{"read": read, "write": write}[sys.argv[1]](sys.stdin)
