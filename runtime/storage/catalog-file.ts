/** The catalog on disk: `catalog.json`, written whole under another name and renamed into place. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../common/assert.ts';
import { type WrittenFile, writeAside } from '../../common/whole-file.ts';
import { BOOTSTRAP_ROLE_OID, PUBLIC_SCHEMA_ACCESS, PUBLIC_SCHEMA_OID } from '../plan/authorization.ts';
import type { CatalogObject } from '../plan/relation.ts';
import type { CatalogSnapshot } from '../engine-client.ts';

/** 2: objects have owners, privileges and row security. */
const FORMAT = 2;
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

/** `tick`: that of its last definition; 0: not known. */
export type CatalogContent = CatalogSnapshot & Readonly<{ tick: number }>;

/** Written beside the one of before: it counts once it is taken. Verifiers of passwords are in it. */
export const writeCatalogAside = (directory: string, catalog: CatalogContent): WrittenFile =>
  writeAside(join(directory, FILE), JSON.stringify({ format: FORMAT, ...catalog }, toJson, 1));

function parseSnapshot(text: string): CatalogSnapshot & { format: number } {
  let value: unknown;
  try {
    value = JSON.parse(text, fromJson);
  } catch {
    value = null;
  }
  assert(typeof value === 'object' && value !== null, `${FILE} is damaged`);
  return value as CatalogSnapshot & { format: number };
}

export function readCatalog(directory: string): CatalogContent {
  const saved = { tick: 0, ...parseSnapshot(readFileSync(join(directory, FILE), 'utf8')) };
  if (saved.format === 1) return { ...saved, objects: saved.objects.map(withOwner) };
  assert(saved.format === FORMAT, `catalog.json has format ${saved.format}, this server reads ${FORMAT}`);
  return saved;
}

/** What was made before there were owners belongs to the one that owns all, and nobody else may use it. */
function withOwner(object: CatalogObject): CatalogObject {
  if (object.kind === 'role' || object.kind === 'token' || object.kind === 'database') return object;
  if (object.kind === 'index' || object.kind === 'secret') return object;
  const access = object.oid === PUBLIC_SCHEMA_OID ? PUBLIC_SCHEMA_ACCESS : null;
  const owned = { ...object, owner: BOOTSTRAP_ROLE_OID, access };
  if (owned.kind === 'schema') return owned;
  const relation = { ...owned, rowSecurity: null };
  if (relation.kind === 'view') return { ...relation, securityInvoker: false };
  if (relation.kind === 'sink') return { ...relation, reads: [], ended: null };
  return relation.kind === 'materialized-view' ? { ...relation, reads: [] } : relation;
}
