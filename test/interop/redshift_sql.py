"""Parses each statement of a JSON array as Redshift's SQL. Prints what does not parse, as JSON."""

import json
import sys

import sqlglot
from sqlglot import exp

refused = []
for sql in json.load(sys.stdin):
    try:
        for statement in sqlglot.parse(sql, read="redshift", error_level=sqlglot.ErrorLevel.RAISE):
            # What the dialect does not know it keeps as text: it parsed nothing.
            if isinstance(statement, exp.Command):
                refused.append({"sql": sql, "why": "kept as text", "command": str(statement.this).upper()})
    except sqlglot.errors.SqlglotError as error:
        refused.append({"sql": sql, "why": str(error), "command": None})
json.dump(refused, sys.stdout)
