"""What SQLAlchemy does with a server, over psycopg, psycopg2 and asyncpg: run with a port; prints one JSON object."""

import asyncio
import json

from live import ADDRESS, execute, rows_one_by_one
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Numeric, String, Table, create_engine, inspect, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

seen = {}
execute("CREATE STREAM live (n int4)")
execute("CREATE STREAM posts (at timestamptz NOT NULL, tag text, WATERMARK FOR at AS at)")
execute("CREATE MATERIALIZED VIEW tags AS SELECT tag, count(*) AS n FROM posts GROUP BY tag")
execute("CREATE VIEW letters AS SELECT tag FROM posts")
execute("COMMENT ON STREAM posts IS 'what people write'")


def url(driver):
    return f"postgresql+{driver}://{ADDRESS['user']}@{ADDRESS['host']}:{ADDRESS['port']}/millrace"


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "people"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str | None] = mapped_column(String(50))
    wealth: Mapped[float | None] = mapped_column(Numeric(10, 2))


for driver in ("psycopg", "psycopg2"):
    engine = create_engine(url(driver))
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Person(id=1, name="Anna", wealth=1.5), Person(id=2, name=None)])
        session.commit()
        anna = session.get(Person, 1)
        anna.name = "Anne"
        session.commit()
        session.delete(session.get(Person, 2))
        session.commit()
        people = session.scalars(select(Person).where(Person.name.like("Ann%")).order_by(Person.id)).all()
    inspector = inspect(engine)
    columns = {column["name"]: str(column["type"]) for column in inspector.get_columns("people")}
    reflected = MetaData()
    reflected.reflect(bind=engine, views=True)
    with engine.connect().execution_options(stream_results=True, max_row_buffer=1) as connection:
        live = rows_one_by_one("live", lambda: connection.execute(text("SELECT n FROM live EMIT CHANGES")))
        connection.invalidate()
    seen[driver] = {
        "people": [[person.id, person.name, str(person.wealth)] for person in people],
        "tables": sorted(inspector.get_table_names()),
        "views": sorted(inspector.get_view_names()),
        "materialized": inspector.get_materialized_view_names(),
        "columns": columns,
        "key": inspector.get_pk_constraint("people")["constrained_columns"],
        "foreign keys": inspector.get_foreign_keys("people"),
        "indexes": [index["column_names"] for index in inspector.get_indexes("people")],
        "comment": inspector.get_table_comment("posts")["text"],
        "definition": "count(*)" in inspector.get_view_definition("tags"),
        "schemas": sorted(inspector.get_schema_names()),
        "reflected": sorted(reflected.tables),
        "live": live,
    }
    engine.dispose()


async def over_asyncpg():
    engine = create_async_engine(url("asyncpg"))
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT id, name FROM people WHERE id = :id"), {"id": 1})).all()
        names = await connection.run_sync(lambda sync: sorted(inspect(sync).get_table_names()))
    await engine.dispose()
    return {"rows": [list(row) for row in rows], "tables": names}


seen["asyncpg"] = asyncio.run(over_asyncpg())
print(json.dumps(seen))
