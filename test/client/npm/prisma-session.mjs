// What Prisma's client does with a server: run with a port; prints one JSON object.
import { PrismaPg } from '@prisma/adapter-pg';
import { PrismaClient } from './generated/client.ts';

const connectionString = `postgresql://anna@127.0.0.1:${process.argv[2]}/millrace`;
const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString }) });
const seen = {};
await prisma.$executeRawUnsafe('CREATE TABLE people (id int4 PRIMARY KEY, name text)');
await prisma.people.create({ data: { id: 1, name: 'Anna' } });
await prisma.people.createMany({
  data: [
    { id: 2, name: null },
    { id: 3, name: 'Carl' },
  ],
});
seen.found = await prisma.people.findMany({
  where: { name: { not: null } },
  orderBy: { id: 'desc' },
  take: 2,
});
seen.updated = await prisma.people.update({ where: { id: 1 }, data: { name: 'Anne' } });
seen.counted = await prisma.$transaction(async (transaction) => {
  await transaction.people.delete({ where: { id: 2 } });
  return transaction.people.count();
});
seen.upserted = await prisma.people.upsert({
  where: { id: 3 },
  create: { id: 3 },
  update: { name: 'Karl' },
});
seen.grouped = await prisma.people.groupBy({ by: ['name'], _count: true, orderBy: { name: 'asc' } });
seen.raw = await prisma.$queryRaw`SELECT ${1}::int4 AS a`;
seen.conflict = await prisma.people.create({ data: { id: 1 } }).catch((error) => error.code);
await prisma.$disconnect();
console.log(JSON.stringify(seen));
