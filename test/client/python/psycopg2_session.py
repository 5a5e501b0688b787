"""What psycopg2 does with a server: run with a port; prints one JSON object."""

import json
import threading
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import psycopg2
import psycopg2.extras
from live import ADDRESS, execute, rows_one_by_one

seen = {}
execute("CREATE STREAM live (n int4)")
connection = psycopg2.connect(**ADDRESS)

# Its default: a transaction block around everything.
with connection, connection.cursor() as cursor:
    cursor.execute("CREATE TABLE people (id int4 PRIMARY KEY, name text, born date, wealth numeric(10,2))")
    psycopg2.extras.execute_values(
        cursor, "INSERT INTO people VALUES %s", [(1, "Anna", "2000-01-02", "1.50"), (2, None, None, None)]
    )
with connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
    cursor.execute("SELECT id, name, born::text, wealth::text FROM people ORDER BY id")
    seen["people"] = [dict(row) for row in cursor.fetchall()]

moment = datetime(2026, 5, 1, 12, 30, tzinfo=timezone.utc)
values = (2**62, 0.5, moment, ["a", "b"], b"\x00\xff", Decimal("1.50"), True, None, timedelta(days=1, hours=2))
with connection, connection.cursor() as cursor:
    cursor.execute(
        "SELECT %s::int8, %s::float8, %s::timestamptz, %s::text[], %s::bytea, %s::numeric, %s, %s::int4, %s::interval",
        values,
    )
    row = cursor.fetchone()
    seen["types"] = [bytes(value) if isinstance(value, memoryview) else value for value in row] == list(values)
    cursor.execute("SELECT NULL::jsonb, '{\"a\": [1]}'::jsonb, ARRAY[1, NULL, 3]")
    seen["json"] = list(cursor.fetchone())

try:
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
except psycopg2.errors.DivisionByZero as error:
    seen["error"] = error.pgcode

# A named cursor fetches from the server; itersize says how many rows it waits for.
with connection, connection.cursor("c", scrollable=True) as cursor:
    cursor.execute("SELECT id FROM people ORDER BY id")
    cursor.scroll(2)
    cursor.scroll(-2)
    seen["scrolled"] = [row[0] for row in cursor.fetchmany(5)]
with connection:
    cursor = connection.cursor("l")
    cursor.itersize = 1
    cursor.execute("SELECT n FROM live EMIT CHANGES")
    seen["live"] = rows_one_by_one("live", lambda: cursor)
    cursor.close()

# cancel() from another thread ends what waits.
cursor = connection.cursor("w")
cursor.execute("SELECT n FROM live EMIT CHANGES")
threading.Timer(0.3, connection.cancel).start()
try:
    cursor.fetchone()
except psycopg2.errors.QueryCanceled as error:
    seen["canceled"] = error.pgcode
connection.rollback()

# Notifications come while it polls.
connection.autocommit = True
with connection.cursor() as cursor:
    cursor.execute("LISTEN news")
    cursor.execute("NOTIFY news, 'hello'")
    seen["notified"] = [notify.payload for notify in connection.notifies]
connection.close()
print(json.dumps(seen))
