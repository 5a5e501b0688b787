"""How libpq 18 and asyncpg log in: run with the certificate's file and a port; prints one JSON object."""

import asyncio
import json
import ssl
import sys

import asyncpg
import psycopg

certificate, port = sys.argv[1], int(sys.argv[2])
where = {"host": "127.0.0.1", "port": port, "user": "anna", "password": "secret"}
seen = {}


def log_in(**options):
    try:
        with psycopg.connect(**{**where, "dbname": "millrace", **options}) as connection:
            user = connection.execute("SELECT current_user").fetchone()[0]
            return [user, "TLS" if connection.pgconn.ssl_in_use else "clear"]
    except psycopg.OperationalError as error:
        return str(error).strip().split("failed: ")[-1]


bound = {"channel_binding": "require", "require_auth": "scram-sha-256"}
checked = {"sslmode": "verify-full", "sslrootcert": certificate}
seen["clear"] = log_in(sslmode="disable")
seen["bound"] = log_in(**bound, **checked)
seen["direct"] = log_in(**bound, **checked, sslnegotiation="direct")
seen["newest protocol"] = log_in(**checked, max_protocol_version="latest")
seen["wrong"] = log_in(**checked, password="wrong")
seen["unknown"] = log_in(**checked, user="mallory")


async def over_asyncpg():
    context = ssl.create_default_context(cafile=certificate)
    connection = await asyncpg.connect(**where, database="millrace", ssl=context)
    seen["asyncpg"] = await connection.fetchval("SELECT current_user")
    await connection.close()


asyncio.run(over_asyncpg())
print(json.dumps(seen))
