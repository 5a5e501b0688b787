// What Kysely and pg-query-stream do with a server: run with a port; prints one JSON object.
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import QueryStream from 'pg-query-stream';

const address = { host: '127.0.0.1', port: Number(process.argv[2]), user: 'anna', database: 'millrace' };
const pool = new pg.Pool(address);
const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
const seen = {};
await db.schema
  .createTable('people')
  .addColumn('id', 'int4', (column) => column.primaryKey())
  .addColumn('name', 'text', (column) => column.notNull())
  .execute();
await db
  .insertInto('people')
  .values([
    { id: 1, name: 'Anna' },
    { id: 2, name: 'Bob' },
  ])
  .execute();
seen.inserted = await db
  .insertInto('people')
  .values({ id: 3, name: 'Carl' })
  .returning('id')
  .executeTakeFirst();
seen.selected = await db
  .selectFrom('people')
  .select((on) => ['name', on.fn.countAll().as('n')])
  .where('id', 'in', [1, 2])
  .groupBy('name')
  .orderBy('name')
  .execute();
seen.changed = await db.transaction().execute(async (transaction) => {
  await transaction.updateTable('people').set({ name: 'Anne' }).where('id', '=', 1).execute();
  await transaction.deleteFrom('people').where('id', '=', 2).execute();
  return transaction.selectFrom('people').selectAll().orderBy('id').execute();
});
await sql`CREATE MATERIALIZED VIEW names AS SELECT name, count(*) AS n FROM people GROUP BY name`.execute(db);
const tables = await db.introspection.getTables();
seen.tables = tables
  .filter((table) => table.schema === 'public')
  .map(({ name, columns }) => [
    name,
    columns.map((column) => `${column.name} ${column.dataType} ${column.isNullable}`),
  ]);

// rows of a continuous result, one by one: it takes fewer than it asked for as the end
await sql`CREATE STREAM live (n int4)`.execute(db);
const client = new pg.Client(address);
client.on('error', () => {});
await client.connect();
const stream = client.query(new QueryStream('SELECT n FROM live EMIT CHANGES', [], { highWaterMark: 1 }));
setTimeout(() => void pool.query('INSERT INTO live VALUES (1)'), 500);
seen.live = [];
for await (const row of stream) {
  seen.live.push(row.n);
  if (seen.live.length === 3) break;
  await pool.query(`INSERT INTO live VALUES (${seen.live.length + 1})`);
}
client.connection.stream.destroy();
await db.destroy();
console.log(JSON.stringify(seen));
