// What Knex does with a server: run with a port; prints one JSON object.
import knex from 'knex';

const address = { host: '127.0.0.1', port: Number(process.argv[2]), user: 'anna', database: 'millrace' };
const db = knex({ client: 'pg', connection: address, pool: { min: 0, max: 3 } });
const seen = {};
await db.schema.createTable('people', (table) => {
  table.integer('id').primary();
  table.string('name', 50).notNullable();
  table.timestamp('at', { useTz: true });
});
seen.inserted = await db('people').insert(
  [
    { id: 1, name: 'Anna' },
    { id: 2, name: 'Bob' },
  ],
  ['id'],
);
seen.has = [
  await db.schema.hasTable('people'),
  await db.schema.hasTable('nobody'),
  await db.schema.hasColumn('people', 'name'),
];
seen.columns = await db('people').columnInfo();
seen.transacted = await db.transaction(async (transaction) => {
  await transaction('people').where({ id: 1 }).update({ name: 'Anne' });
  await transaction('people').insert({ id: 2, name: 'again' }).onConflict('id').merge();
  return transaction('people').select('id', 'name').orderBy('id');
});
seen.conflict = await db('people')
  .insert({ id: 1, name: 'x' })
  .catch((error) => error.code);
seen.streamed = [];
for await (const row of db('people').select('id').orderBy('id').stream()) seen.streamed.push(row.id);
await db.schema.dropTable('people');
await db.destroy();
console.log(JSON.stringify(seen));
