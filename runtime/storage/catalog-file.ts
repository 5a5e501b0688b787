/** The catalog on disk: `catalog.json`, written whole under another name and renamed into place. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../common/assert.ts';
import type { CatalogSnapshot } from '../engine-client.ts';

const FORMAT = 1;
const FILE = 'catalog.json';

/** ±Infinity has no JSON of its own. */
const toJson = (_key: string, value: unknown): unknown =>
  value === Number.POSITIVE_INFINITY
    ? { $number: 'Infinity' }
    : value === Number.NEGATIVE_INFINITY
      ? { $number: '-Infinity' }
      : value;
const fromJson = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && '$number' in value ? Number(value.$number) : value;

export function writeCatalog(directory: string, catalog: CatalogSnapshot): void {
  const partial = join(directory, `${FILE}.partial`);
  // Verifiers of passwords are in it.
  const fd = openSync(partial, 'w', 0o600);
  writeSync(fd, JSON.stringify({ format: FORMAT, ...catalog }, toJson, 1));
  fsyncSync(fd);
  closeSync(fd);
  renameSync(partial, join(directory, FILE));
}

export function readCatalog(directory: string): CatalogSnapshot {
  const saved = JSON.parse(readFileSync(join(directory, FILE), 'utf8'), fromJson) as CatalogSnapshot & {
    format: number;
  };
  assert(saved.format === FORMAT, `catalog.json has format ${saved.format}, this server reads ${FORMAT}`);
  return saved;
}
