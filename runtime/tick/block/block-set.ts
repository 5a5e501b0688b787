/** The transaction blocks that have written something, and their statements under way. */
import type { BlockScope, WriteOperation, WriteResult } from '../../engine-client.ts';
import { Block } from './block.ts';
import { BlockStatement } from './block-statement.ts';
import type { EngineState } from '../engine-state.ts';
import type { FiniteQueue } from '../finite/finite-queue.ts';

export class BlockSet {
  readonly #state: EngineState;
  readonly #finite: FiniteQueue;
  readonly #running = new Map<number, BlockStatement>();

  constructor(state: EngineState, finite: FiniteQueue) {
    this.#state = state;
    this.#finite = finite;
  }

  /** Works at once, for as long as a slice; the rest comes between ticks. */
  write(scope: BlockScope, operations: readonly WriteOperation[], now: number): Promise<WriteResult> {
    return new Promise((resolve, reject) => {
      this.#state.requireMemory();
      const { blocks, relations, tick } = this.#state;
      let block = blocks.get(scope.id);
      if (block === undefined) {
        block = new Block(scope.id, scope.snapshot, relations);
        blocks.set(scope.id, block);
      }
      const statement = new BlockStatement({
        block,
        scope,
        operations,
        now,
        timeMicros: tick.time,
        start: (plan) => this.#finite.start(plan, now, scope.snapshot, scope),
        resolve: (result) => {
          this.#running.delete(scope.id);
          resolve(result);
        },
        reject: (error) => {
          this.#running.delete(scope.id);
          reject(error);
        },
      });
      this.#running.set(scope.id, statement);
      this.#finite.work(statement);
    });
  }

  rollback(id: number, statements: number): void {
    this.#abort(id);
    const block = this.#state.blocks.get(id);
    block?.keep(statements);
    if (statements === 0) this.#state.blocks.delete(id);
  }

  end(id: number): void {
    this.#abort(id);
    this.#state.blocks.delete(id);
  }

  /** Within a tick. */
  commit(id: number): void {
    const block = this.#state.blocks.get(id);
    this.#state.blocks.delete(id);
    if (block === undefined) return;
    this.#state.requireMemory();
    this.#state.disk.require(block.memoryBytes());
    block.commit();
  }

  #abort(id: number): void {
    const statement = this.#running.get(id);
    if (statement === undefined) return;
    this.#running.delete(id);
    this.#finite.remove(statement);
    statement.abort();
  }
}
