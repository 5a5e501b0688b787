"""What asyncpg does with a server (binary everywhere, types from the catalog): run with a port; prints one JSON object."""

import asyncio
import json
import uuid
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import asyncpg
from live import ADDRESS, PATIENCE_SECONDS, execute

OPTIONS = {"host": ADDRESS["host"], "port": ADDRESS["port"], "user": "anna", "database": "millrace"}


async def main():
    seen = {}
    execute("CREATE STREAM live (n int4)")
    connection = await asyncpg.connect(**OPTIONS)
    await connection.execute("CREATE TABLE people (id int4 PRIMARY KEY, name text)")
    await connection.executemany("INSERT INTO people VALUES ($1, $2)", [(1, "Anna"), (2, None)])
    seen["people"] = [list(row) for row in await connection.fetch("SELECT id, name FROM people ORDER BY id")]
    async with connection.transaction():
        await connection.execute("INSERT INTO people VALUES (3, 'Carl')")
        try:
            async with connection.transaction():
                await connection.execute("INSERT INTO people VALUES (3, 'again')")
        except asyncpg.UniqueViolationError as error:
            seen["conflict"] = error.sqlstate
    values = [
        2**62, -1, 0.5, True, "text", b"\x00\xff", Decimal("-1.50"), uuid.UUID(int=5), date(2026, 5, 1),
        datetime(2026, 5, 1, 12, 30, tzinfo=timezone.utc), datetime(2026, 5, 1, 12, 30, 0, 5),
        timedelta(days=1, hours=2), [1, None, 3], ["a", None], None,
    ]
    row = await connection.fetchrow(
        """SELECT $1::int8, $2::int2, $3::float8, $4::bool, $5::text, $6::bytea, $7::numeric, $8::uuid, $9::date,
                  $10::timestamptz, $11::timestamp, $12::interval, $13::int4[], $14::text[], $15::float4""",
        *values,
    )
    seen["types"] = list(row) == values
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    seen["json"] = await connection.fetchval("SELECT $1::jsonb", {"a": [1]})
    statement = await connection.prepare("SELECT id, name FROM people WHERE id = $1")
    seen["attributes"] = [(a.name, a.type.name) for a in statement.get_attributes()]
    copied = await connection.copy_records_to_table("people", records=[(10, "x"), (11, None)])
    seen["copied"] = [copied, await connection.fetchval("SELECT count(*) FROM people")]

    async with connection.transaction():
        seen["cursor"] = [row["id"] async for row in connection.cursor("SELECT id FROM people ORDER BY id", prefetch=2)]
    async with connection.transaction():
        rows = []
        await asyncio.to_thread(execute, "INSERT INTO live VALUES (0)")
        cursor = connection.cursor("SELECT n FROM live EMIT CHANGES")
        asyncio.get_running_loop().call_later(
            0.3, lambda: asyncio.ensure_future(asyncio.to_thread(execute, "INSERT INTO live VALUES (1)"))
        )
        async for row in cursor:
            rows.append(row["n"])
            if len(rows) == 3:
                break
            await asyncio.to_thread(execute, f"INSERT INTO live VALUES ({len(rows) + 1})")
        seen["live"] = rows
    try:
        async with connection.transaction():
            async with asyncio.timeout(0.5):
                async for row in connection.cursor("SELECT n FROM live EMIT CHANGES"):
                    pass
    except TimeoutError:
        seen["after cancel"] = await connection.fetchval("SELECT 1")

    heard = asyncio.get_running_loop().create_future()
    await connection.add_listener("news", lambda *arguments: heard.set_result(arguments[3]))
    execute("NOTIFY news, 'hello'")
    seen["notified"] = await asyncio.wait_for(heard, PATIENCE_SECONDS)
    await connection.close()

    # A pool resets its connections between uses.
    async with asyncpg.create_pool(**OPTIONS, min_size=1, max_size=2) as pool:
        seen["pool"] = await asyncio.gather(*(pool.fetchval("SELECT $1::int4", i) for i in range(10)))
    print(json.dumps(seen))


asyncio.run(main())
