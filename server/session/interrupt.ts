import type { SqlError } from '../../common/sql-error.ts';

/**
 * What ends a running statement from outside: CancelRequest, statement_timeout, a lost connection, a shutdown. It
 * stays raised until `clear`, so that an interrupt between two waits is not missed.
 */
export class Interrupt {
  #error: SqlError | null = null;
  #reject: ((error: SqlError) => void) | null = null;

  raise(error: SqlError): void {
    this.#error ??= error;
    this.#reject?.(this.#error);
    this.#reject = null;
  }

  clear(): void {
    this.#error = null;
  }

  get raised(): SqlError | null {
    return this.#error;
  }

  throwIfRaised(): void {
    if (this.#error !== null) throw this.#error;
  }

  /** Waits for the promise or the interrupt, whichever is first. One wait at a time: a session runs one statement. */
  wait<T>(promise: Promise<T>): Promise<T> {
    if (this.#error !== null) {
      promise.catch(() => {});
      return Promise.reject(this.#error);
    }
    return new Promise<T>((resolve, reject) => {
      const mine = (error: SqlError): void => reject(error);
      this.#reject = mine;
      const release = (): void => {
        if (this.#reject === mine) this.#reject = null;
      };
      promise.then(
        (value) => {
          release();
          resolve(value);
        },
        (error: unknown) => {
          release();
          reject(error as Error);
        },
      );
    });
  }
}
