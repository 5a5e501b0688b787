import { Worker } from 'node:worker_threads';
import { siblingModule } from '../../common/sibling-module.ts';
import { unreachable } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { ParsedStatement, PlanContext, Planned } from '../../planner/statement.ts';
import { LARGE_TEXT_BYTES, PLANNER_IDLE_MS } from '../limits.ts';
import type { FromPlanner, RemoteStatement, ToPlanner } from './planner-messages.ts';

type Pending = Readonly<{ resolve: (message: FromPlanner) => void; reject: (error: Error) => void }>;

/** In the place of a tree: where the planner's thread keeps it. */
class RemoteTree {
  readonly script: number;
  readonly index: number;

  constructor(script: number, index: number) {
    this.script = script;
    this.index = index;
  }
}

export const isLargeText = (text: string): boolean => text.length > LARGE_TEXT_BYTES;

/** Parsed by the planner's thread: there is no tree here. */
export const isRemote = (statement: ParsedStatement): boolean => statement.tree instanceof RemoteTree;

/**
 * Parses and plans large texts in a thread of its own, so that nobody else waits for it. The thread starts with the
 * first of them and ends when there was none for a while.
 */
export class PlannerThread {
  #worker: Worker | null = null;
  #pending = new Map<number, Pending>();
  #nextId = 1;
  #idle: NodeJS.Timeout | null = null;
  /** What the thread planned against last. */
  #catalog: PlanContext['catalog'] | null = null;

  get running(): boolean {
    return this.#worker !== null;
  }

  async parse(text: string): Promise<readonly ParsedStatement[]> {
    const id = this.#nextId;
    const answer = await this.#ask((own) => ({ kind: 'parse', id: own, text }));
    if (answer.kind !== 'parsed') throw new SqlError('XX000', 'the planner gave another answer');
    return answer.statements.map((statement, index) => remoteStatement(statement, text, id, index));
  }

  /** null: a statement that must be planned here. Positions of errors count in the statement's text. */
  async plan(
    parsed: ParsedStatement,
    { catalog, roleOfBackend: _, backendsOf: __, ...context }: PlanContext,
  ): Promise<Planned | null> {
    const { script, index } = parsed.tree as RemoteTree;
    const send = (text: string | null): Promise<FromPlanner> =>
      this.#ask((id) => {
        const known = this.#catalog === catalog;
        this.#catalog = catalog;
        const sent = known ? null : { objects: [...catalog.objects()], version: catalog.version };
        return { kind: 'plan', id, script, index, text, context, catalog: sent };
      });
    let answer = await send(null);
    if (answer.kind === 'forgotten') answer = await send(parsed.text);
    if (answer.kind !== 'planned') throw new SqlError('XX000', 'the planner gave another answer');
    return answer.planned;
  }

  stop(): void {
    this.#end(new SqlError('57P01', 'terminating connection due to administrator command'));
  }

  #ask(message: (id: number) => ToPlanner): Promise<FromPlanner> {
    this.#worker ??= this.#start();
    this.#worker.ref();
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker!.postMessage(message(id));
    });
  }

  #start(): Worker {
    const worker = new Worker(siblingModule(import.meta.url, 'planner-worker'), { name: 'planner' });
    this.#catalog = null;
    worker.on('message', (message: FromPlanner) => this.#settle(message));
    worker.on('error', () => {
      // it ran out of memory: the text was too much for it
      if (worker === this.#worker)
        this.#end(new SqlError('53200', 'the statement is too large to be planned'));
    });
    return worker;
  }

  #settle(message: FromPlanner): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    switch (message.kind) {
      case 'parsed':
      case 'planned':
      case 'forgotten':
        pending?.resolve(message);
        break;
      case 'error':
        pending?.reject(SqlError.fromPlain(message.error));
        break;
      default:
        unreachable(message);
    }
    if (this.#pending.size > 0) return;
    this.#worker?.unref();
    this.#idle = setTimeout(() => this.#end(null), PLANNER_IDLE_MS).unref();
  }

  #end(error: SqlError | null): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    const pending = [...this.#pending.values()];
    this.#pending = new Map();
    const worker = this.#worker;
    this.#worker = null;
    void worker?.terminate();
    if (error !== null) for (const { reject } of pending) reject(error);
  }
}

function remoteStatement(
  { text, offset, parameterCount, endsTransaction }: RemoteStatement,
  whole: string,
  script: number,
  index: number,
): ParsedStatement {
  const tree = new RemoteTree(script, index);
  return { text: text ?? whole, offset, tree, clauses: null, parameterCount, endsTransaction };
}
