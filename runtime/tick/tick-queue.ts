/** Work that waits for the next tick: what starts (definitions, readers) before what writes. */
import { ExternalError } from '../../common/external-error.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { Tick } from '../dstream/dstream.ts';
import { internalError } from './engine-state.ts';

/** What work answers that must wait for the tick after, where it comes first. */
export const LATER = Symbol('later');

/** `run` gives what is to be called once the tick is committed. */
type Waiting = Readonly<{ run: (tick: Tick) => () => void; reject: (error: unknown) => void }>;

export class TickQueue {
  readonly #wake: () => void;
  /** before the writes of their tick: a reader's start never sees half a tick */
  #starting: Waiting[] = [];
  #writing: Waiting[] = [];
  #failure: SqlError | null = null;

  constructor(wake: () => void) {
    this.#wake = wake;
  }

  get length(): number {
    return this.#starting.length + this.#writing.length;
  }

  /** The promise settles when the tick in which `work` ran is committed. */
  start<T>(work: (tick: Tick) => T | typeof LATER): Promise<T> {
    return this.#add(() => this.#starting, work);
  }

  write<T>(work: (tick: Tick) => T | typeof LATER): Promise<T> {
    return this.#add(() => this.#writing, work);
  }

  /** Runs what waits; gives what is to be called once the tick is committed. */
  run(tick: Tick): readonly (() => void)[] {
    const waiting = [...this.#starting, ...this.#writing];
    this.#starting = [];
    this.#writing = [];
    return waiting.map(({ run }) => run(tick));
  }

  /** There is no next tick. */
  failAll(failure: SqlError): void {
    this.#failure = failure;
    for (const { reject } of [...this.#starting, ...this.#writing]) reject(failure);
  }

  #add<T>(queue: () => Waiting[], work: (tick: Tick) => T | typeof LATER): Promise<T> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise<T>((resolve, reject) => {
      const run = (tick: Tick): (() => void) => {
        try {
          const result = work(tick);
          if (result !== LATER) return () => resolve(result);
          queue().push({ run, reject });
          return () => undefined;
        } catch (error) {
          const outside = error instanceof ExternalError ? new SqlError('58030', error.message) : null;
          return () => reject(outside ?? internalError(error));
        }
      };
      queue().push({ run, reject });
      this.#wake();
    });
  }
}
