import { commandOf } from './meta-command.ts';
import { StatementBuffer } from './statement-buffer.ts';

/** Which lines the history keeps: none of a statement that may hold a password or another secret. */
export class KeptLines {
  /** Its own: lines that are pasted are typed long before the statements in front of them have run. */
  readonly #typed = new StatementBuffer();

  /** Each line as it is typed, in order. */
  keeps(line: string): boolean {
    const statement = `${this.#typed.text} ${line}`;
    if (!this.#typed.isEmpty || commandOf(line) === null) this.#typed.add(line);
    return !/\b(?:password|secret)\b/i.test(statement);
  }

  /** The statement that was being typed is dropped. */
  clear(): void {
    this.#typed.clear();
  }
}
