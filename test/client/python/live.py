"""Whether each row of a continuous result comes by itself: for the sessions of every driver."""

import os
import sys
import threading

import psycopg2

port = int(sys.argv[1])
ADDRESS = {"host": "127.0.0.1", "port": port, "user": "anna", "dbname": "millrace"}
PATIENCE_SECONDS = 20


def execute(sql):
    """In a session of its own."""
    connection = psycopg2.connect(**ADDRESS)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


def watch():
    """Ends the process where nothing comes: a test must not hang."""
    timer = threading.Timer(PATIENCE_SECONDS, lambda: os._exit(3))
    timer.daemon = True
    timer.start()
    return timer


def rows_one_by_one(name, open_result):
    """Writes a row only when the one before has arrived; `open_result` gives an iterator over the stream's column n."""
    timer = watch()
    seen = []
    # some drivers open a result only when its first row is there
    threading.Timer(0.5, execute, [f"INSERT INTO {name} VALUES (1)"]).start()
    for row in open_result():
        seen.append(int(row[-1]))
        if len(seen) == 3:
            break
        execute(f"INSERT INTO {name} VALUES ({len(seen) + 1})")
    timer.cancel()
    return seen
