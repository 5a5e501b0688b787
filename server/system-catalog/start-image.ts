/**
 * The cluster that the mirror starts from: made once by initdb and our own functions (2 s), kept compressed in the data
 * directory, and read at later starts (a fifth of that). The one that installing made, beside the packages, serves before.
 * It depends on nothing but the version of PGlite and what is done to it, which its name says; a file that can't be read
 * or is damaged is made again.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import type { PGlite } from '@electric-sql/pglite';
import { IMAGE_SQL } from './own-functions.ts';

type Constructor = typeof PGlite;

const PREFIX = 'catalog-';
const SUFFIX = '.tar.gz';

/** Digest of the uncompressed image stands before it. */
const DIGEST_BYTES = 32;

const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** What installing made (prepare-image.ts), so that the first query after the first start need not wait. */
export const INSTALLED_DIRECTORY = installedDirectory();

function installedDirectory(): string | null {
  try {
    const main = createRequire(import.meta.url).resolve('@electric-sql/pglite');
    return join(main.slice(0, main.lastIndexOf('@electric-sql')), '.cache', 'millrace');
  } catch {
    return null;
  }
}

/** An image that was not there, to be kept by whoever outlives the mirror. */
export type FreshImage = Readonly<{ name: string; bytes: Uint8Array<ArrayBuffer> }>;

export async function startImage(
  pglite: Constructor,
  directory: string | null,
  installed: string | null = INSTALLED_DIRECTORY,
): Promise<Readonly<{ image: Blob; fresh: FreshImage | null }>> {
  if (directory === null) return { image: new Blob([await makeImage(pglite)]), fresh: null };
  const name = await imageName();
  const kept = await readImage(join(directory, name));
  if (kept !== null) return { image: new Blob([kept]), fresh: null };
  const shared = installed === null ? null : await readImage(join(installed, name));
  const bytes = shared ?? (await makeImage(pglite));
  return { image: new Blob([bytes]), fresh: { name, bytes } };
}

async function imageName(): Promise<string> {
  const main = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const { version } = JSON.parse(await readFile(join(dirname(main), '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  return `${PREFIX}${version}-${digest(Buffer.from(IMAGE_SQL)).toString('hex').slice(0, 12)}${SUFFIX}`;
}

async function readImage(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const file = await readFile(path);
    const image = await promisify(gunzip)(file.subarray(DIGEST_BYTES));
    if (!digest(image).equals(file.subarray(0, DIGEST_BYTES))) return null;
    return new Uint8Array(image);
  } catch {
    return null;
  }
}

export async function keepImage(directory: string, { name, bytes: image }: FreshImage): Promise<void> {
  const packed = await promisify(gzip)(image, { level: constants.Z_BEST_SPEED });
  await mkdir(directory, { recursive: true });
  const temporary = join(directory, `${name}.${process.pid}.new`);
  await writeFile(temporary, Buffer.concat([digest(image), packed]));
  await rename(temporary, join(directory, name));
  for (const other of await readdir(directory)) {
    const old = other.startsWith(PREFIX) && other.endsWith(SUFFIX) && other !== name;
    if (old) await rm(join(directory, other), { force: true });
  }
}

async function makeImage(pglite: Constructor): Promise<Uint8Array<ArrayBuffer>> {
  // small segments of a log that is never read: 15 MB less to unpack at each start
  const database = await pglite.create({ initDbStartParams: ['--wal-segsize=1', '--no-sync'] });
  try {
    for (const template of ['template0', 'template1']) {
      await database.exec(`UPDATE pg_database SET datistemplate = false WHERE datname = '${template}'`);
      await database.exec(`DROP DATABASE ${template}`);
    }
    await database.exec(IMAGE_SQL);
    const image = await database.dumpDataDir('none');
    return new Uint8Array(await image.arrayBuffer());
  } finally {
    await database.close();
  }
}
