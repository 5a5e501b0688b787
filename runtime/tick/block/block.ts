/**
 * What an open transaction block wrote: its own version of each table, rows for streams, and how to go back to any of its
 * statements. Nothing of it is in any tick before COMMIT, where all of it lands in one.
 */
import { assert } from '../../../common/assert.ts';
import { BLOCK_BYTES_MAX, BLOCK_ROWS_MAX } from '../../../common/limits.ts';
import { SqlError } from '../../../common/sql-error.ts';
import type { Batch } from '../../batch/column.ts';
import { compactBatch } from '../../batch/concat.ts';
import type { BlockScope } from '../../engine-client.ts';
import type { Oid, StreamDefinition } from '../../plan/relation.ts';
import { schemaOf } from '../admission.ts';
import { BlockTable, changeBytes } from './block-table.ts';
import type { RelationSet } from '../relation-set.ts';
import type { WritableStream } from '../write.ts';

export type BlockTarget =
  | Readonly<{ kind: 'stream'; stream: WritableStream }>
  | Readonly<{ kind: 'table'; table: BlockTable }>;

/** Where a statement ended. */
type Mark = Readonly<{ changes: number; insertions: number }>;

const START: Mark = { changes: 0, insertions: 0 };

export class Block {
  readonly id: number;
  readonly snapshot: number;
  readonly #relations: RelationSet;
  readonly #tables = new Map<Oid, BlockTable>();
  /** the tables of all changes, in order */
  readonly #journal: BlockTable[] = [];
  readonly #insertions: { stream: Oid; batch: Batch }[] = [];
  readonly #statements: Mark[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(id: number, snapshot: number, relations: RelationSet) {
    this.id = id;
    this.snapshot = snapshot;
    this.#relations = relations;
  }

  get statements(): number {
    return this.#statements.length;
  }

  memoryBytes(): number {
    let bytes = this.#bytes;
    for (const table of this.#tables.values()) bytes += table.memoryBytes();
    return bytes;
  }

  /** The block's version of a table that it changed. */
  changed(relation: Oid): BlockTable | null {
    const table = this.#tables.get(relation);
    return table?.written === true ? table : null;
  }

  /** 42P01. */
  target(relation: Oid, scope: BlockScope): BlockTarget {
    const stream = this.#streamOf(relation, scope);
    if (stream !== undefined) {
      const insert = (batch: Batch): void => this.#insert(stream, batch);
      return { kind: 'stream', stream: { definition: stream, insert } };
    }
    let table = this.#tables.get(relation);
    if (table === undefined) {
      const created = scope.created.find((object) => object.oid === relation);
      const isNew = created?.kind === 'table' && !this.#relations.tables.has(relation);
      const base = isNew ? null : this.#relations.table(relation);
      const definition = base?.definition ?? (created as BlockTable['definition']);
      table = new BlockTable(definition, base, this.snapshot, this.#onChange);
      this.#tables.set(relation, table);
    }
    return { kind: 'table', table };
  }

  /** The statement that ran is part of the block. */
  endStatement(): void {
    this.#statements.push({ changes: this.#journal.length, insertions: this.#insertions.length });
  }

  /** Keeps the first so many statements; what was begun after them is undone. */
  keep(statements: number): void {
    this.#statements.length = Math.min(statements, this.#statements.length);
    const { changes, insertions } = this.#statements.at(-1) ?? START;
    while (this.#journal.length > changes) this.#count(this.#journal.pop()!.undoLast(), -1);
    for (const { batch } of this.#insertions.splice(insertions)) this.#count(batch, -1);
  }

  /** Within a tick: all of it, or nothing (23505, 40001, 42P01). */
  commit(): void {
    for (const [relation, table] of this.#tables) this.#requireCommittable(relation, table);
    const insertions = this.#insertions.map(({ stream, batch }) => ({
      stream: this.#relations.stream(stream),
      batch,
    }));
    for (const [relation, table] of this.#tables) {
      if (table.written) table.commitTo(this.#relations.table(relation));
    }
    for (const { stream, batch } of insertions) stream.insert(batch);
  }

  #requireCommittable(relation: Oid, table: BlockTable): void {
    if (!table.written) return;
    const now = this.#relations.table(relation);
    assert(table.base === null || table.base === now, 'a table has one runtime');
    table.requireNoConflict();
  }

  #streamOf(relation: Oid, scope: BlockScope): StreamDefinition | undefined {
    const running = this.#relations.streams.get(relation)?.definition;
    if (running !== undefined) return running;
    const created = scope.created.find((object) => object.oid === relation);
    return created?.kind === 'stream' ? created : undefined;
  }

  #insert(stream: StreamDefinition, batch: Batch): void {
    if (batch.rows === 0) return;
    const own = compactBatch(schemaOf(stream.columns), batch);
    this.#count(own, 1);
    this.#insertions.push({ stream: stream.oid, batch: own });
  }

  readonly #onChange = (table: BlockTable, batch: Batch): void => {
    this.#count(batch, 1);
    this.#journal.push(table);
  };

  #count(batch: Batch, sign: 1 | -1): void {
    const rows = this.#rows + sign * batch.rows;
    const bytes = this.#bytes + sign * changeBytes(batch);
    if (sign > 0 && (rows > BLOCK_ROWS_MAX || bytes > BLOCK_BYTES_MAX)) throw tooMuchWritten();
    this.#rows = rows;
    this.#bytes = bytes;
  }
}

export const tooMuchWritten = (): SqlError =>
  new SqlError('54000', 'the transaction block writes too much', {
    detail: `A block holds ${BLOCK_ROWS_MAX} rows or ${BLOCK_BYTES_MAX} bytes of writes at the most.`,
    hint: 'Commit in smaller portions, or use COPY outside of a transaction block.',
  });
