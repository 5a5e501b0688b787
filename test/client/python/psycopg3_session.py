"""What psycopg 3 does with a server: run with a port; prints one JSON object."""

import json
import sys
import threading
from datetime import datetime, timezone

import psycopg

port = int(sys.argv[1])
seen = {}


def connect(**options):
    return psycopg.connect(host="127.0.0.1", port=port, user="anna", dbname="millrace", **options)


with connect(autocommit=True) as setup:
    setup.execute("CREATE TABLE people (id int4 PRIMARY KEY, name text)")
    setup.execute("CREATE STREAM events (at timestamptz NOT NULL, tag text, n int8, WATERMARK FOR at AS at)")

# Its default: every statement in a transaction block.
with connect() as connection:
    cursor = connection.cursor()
    cursor.execute("INSERT INTO people VALUES (%s, %s)", (1, "Anna"))
    cursor.executemany("INSERT INTO people VALUES (%s, %s)", [(2, "Bob"), (3, None)])
with connect() as connection:
    seen["people"] = connection.execute("SELECT id, name FROM people ORDER BY id").fetchall()

# COPY in a block lands with COMMIT, or not at all.
with connect() as connection:
    with connection.cursor().copy("COPY people FROM STDIN") as copy:
        copy.write_row((4, "Dora"))
        copy.write_row((5, "tab\there"))
    connection.rollback()
    with connection.cursor().copy("COPY people (id, name) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int4", "text"])
        copy.write_row((6, "Finn"))
    cursor = connection.cursor()
with connect(autocommit=True) as connection:
    seen["ids"] = [row[0] for row in connection.execute("SELECT id FROM people ORDER BY id")]
    with connection.cursor().copy("COPY (SELECT id, name FROM people ORDER BY id LIMIT 1) TO STDOUT") as copy:
        seen["copied"] = [list(row) for row in copy.rows()]
    moment = datetime(2026, 5, 1, 12, 30, tzinfo=timezone.utc)
    for binary in (False, True):
        row = connection.execute(
            "SELECT %s::int8, %s::float8, %s::timestamptz, %s::text[], %s::bytea, %s::numeric, %b::bool, NULL::int4",
            (2**62, 0.5, moment, ["a", "b"], b"\x00\xff", "1.50", True),
            binary=binary,
        ).fetchone()
        seen[f"types_{binary}"] = [
            row[0] == 2**62, row[1], row[2] == moment, row[3], row[4] == b"\x00\xff", str(row[5]), row[6], row[7]
        ]
    try:
        connection.execute("SELECT nosuch")
    except psycopg.errors.UndefinedColumn as error:
        seen["error"] = [error.sqlstate, error.diag.statement_position]
    connection.read_only = True
    try:
        with connection.transaction():
            connection.execute("DELETE FROM people")
    except psycopg.errors.ReadOnlySqlTransaction as error:
        seen["read_only"] = error.sqlstate
    connection.read_only = None
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int4", (i,)) for i in range(20)]
    seen["pipeline"] = [cursor.fetchone()[0] for cursor in cursors]

# A continuous query, row by row, ended by cancel: by both versions of the protocol, whose cancel keys differ.
def follow(version):
    options = {"min_protocol_version": version, "max_protocol_version": version}
    with connect(autocommit=True, **options) as connection, connect(autocommit=True) as writer:
        done = threading.Event()

        def feed():
            number = 0
            while not done.is_set():
                writer.execute("INSERT INTO events VALUES (%s, 'x', %s)", (moment, number))
                number += 1

        rows = []
        canceled = None
        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            for row in connection.cursor().stream("SELECT tag, n FROM events EMIT CHANGES"):
                rows.append(row[2:])
                if len(rows) == 3:
                    connection.cancel_safe()
        except psycopg.errors.QueryCanceled as error:
            canceled = error.sqlstate
        done.set()
        feeder.join()
        return {
            "version": connection.pgconn.full_protocol_version,
            "canceled": canceled,
            "streamed": [[row[0], row[1] - rows[0][1]] for row in rows[:3]],
            "after": connection.execute("SELECT 1").fetchone()[0],
        }


seen["followed"] = [follow("3.0"), follow("3.2")]

# A named cursor.
with connect() as connection:
    with connection.cursor("named") as cursor:
        cursor.execute("SELECT id FROM people ORDER BY id")
        seen["named"] = [row[0] for row in cursor.fetchmany(2)]

print(json.dumps(seen))
