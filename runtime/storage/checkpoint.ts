/**
 * The state of a clean stop: every operator, view, watermark and source position.
 *
 *   checkpoint.bin   state-codec values: format, tick, time, streams, late and rejected rows, then per view and sink
 *                    its OID and its own state as one array
 *
 * It is used once: the next start takes it away when it has taken over all of it, so that a crash after that never finds an
 * old one beside a newer log, and a start that fails leaves it to the next one.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { assert } from '../../common/assert.ts';
import { writeWhole } from '../../common/whole-file.ts';
import type { Oid } from '../plan/relation.ts';
import { StateReader, StateWriter } from '../state/state-codec.ts';
import type { KeptRows, LateRow, RejectedRowEntry } from '../tick/kept-rows.ts';
import type { LateRows } from '../tick/late-rows.ts';
import type { RelationSet } from '../tick/relation-set.ts';

const FORMAT = 4;
const FILE = 'checkpoint.bin';

export type EngineState = Readonly<{
  tick: Readonly<{ number: number; time: number }>;
  relations: RelationSet;
  late: LateRows;
  rejected: KeptRows<RejectedRowEntry>;
}>;

export function saveCheckpoint(directory: string, state: EngineState): void {
  const w = new StateWriter();
  w.number(FORMAT);
  w.number(state.tick.number);
  w.number(state.tick.time);
  w.value({
    streams: [...state.relations.streams].map(([oid, stream]) => [
      oid,
      stream.state(),
      stream.connector === undefined ? null : sourceState(stream.connector),
    ]),
    tables: [...state.relations.tables].map(([oid, table]) => [oid, table.lastChange]),
    late: [state.late.all(), state.late.total],
    rejected: [state.rejected.all(), state.rejected.total],
  });
  w.number(state.relations.views.size + state.relations.sinks.size);
  for (const [oid, { view, query }] of state.relations.views) {
    const own = new StateWriter();
    query.save(own);
    view.save(own);
    w.number(oid);
    w.array(own.finish());
  }
  for (const [oid, { query, tick, rows }] of state.relations.sinks) {
    const own = new StateWriter();
    query.save(own);
    own.value({ tick, rows });
    w.number(oid);
    w.array(own.finish());
  }
  writeWhole(join(directory, FILE), w.finish());
}

function sourceState(source: { save(w: StateWriter): void }): Uint8Array {
  const own = new StateWriter();
  source.save(own);
  return own.finish();
}

type SavedStreams = [Oid, unknown, Uint8Array | null][];

export class Checkpoint {
  readonly tick: number;
  readonly time: number;
  readonly #streams: SavedStreams;
  readonly #tables: [Oid, number][];
  readonly #late: [LateRow[], number];
  readonly #rejected: [RejectedRowEntry[], number];
  readonly #states = new Map<Oid, Uint8Array>();

  constructor(bytes: Uint8Array) {
    const r = new StateReader(bytes);
    const format = r.number();
    assert(format === FORMAT, `checkpoint.bin has format ${format}, this server reads ${FORMAT}`);
    this.tick = r.number();
    this.time = r.number();
    const kept = r.value() as {
      streams: SavedStreams;
      tables: [Oid, number][];
      late: [LateRow[], number];
      rejected: [RejectedRowEntry[], number];
    };
    this.#streams = kept.streams;
    this.#tables = kept.tables;
    this.#late = kept.late;
    this.#rejected = kept.rejected;
    for (let left = r.number(); left > 0; left--) {
      const oid = r.number();
      this.#states.set(oid, r.array(Uint8Array));
    }
  }

  restoreStreams(relations: RelationSet): void {
    for (const [oid, state] of this.#streams) relations.streams.get(oid)?.restore(state);
    for (const [oid, lastChange] of this.#tables) {
      const table = relations.tables.get(oid);
      if (table !== undefined) table.lastChange = lastChange;
    }
  }

  /** State of a stream's connector; null: none. */
  sourceOf(oid: Oid): StateReader | null {
    const saved = this.#streams.find(([stream]) => stream === oid)?.[2] ?? null;
    return saved === null ? null : new StateReader(saved);
  }

  stateOf(oid: Oid): StateReader | null {
    const saved = this.#states.get(oid);
    return saved === undefined ? null : new StateReader(saved);
  }

  restoreKept(late: LateRows, rejected: KeptRows<RejectedRowEntry>): void {
    late.restore(...this.#late);
    rejected.restore(...this.#rejected);
  }
}

/** What the last stop saved; null: it was no stop. */
export function loadCheckpoint(directory: string): Checkpoint | null {
  const path = join(directory, FILE);
  return existsSync(path) ? new Checkpoint(readFileSync(path)) : null;
}

/** Once all of it is taken over, and before anything changes. */
export function removeCheckpoint(directory: string): void {
  rmSync(join(directory, FILE), { force: true });
}
