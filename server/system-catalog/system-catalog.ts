/**
 * The door of the system catalog: questions go to a mirror of our catalog in a real PostgreSQL, which lives in a thread of
 * its own. The thread starts with the first question and ends when there was none for a while. It takes one question at a
 * time; one that breaks it, or takes too long, costs the thread, and the next question gets a new one.
 */
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import { siblingModule } from '../../common/sibling-module.ts';
import { unreachable } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import type { CatalogView } from '../catalog.ts';
import {
  CATALOG_GRACE_MS,
  CATALOG_IDLE_MS,
  CATALOG_KEPT_BYTES_MAX,
  CATALOG_MEMORY_BYTES_MAX,
  CATALOG_QUERY_MS_MAX,
  CATALOG_QUEUE_MAX,
  CATALOG_RESULT_BYTES_MAX,
  CATALOG_START_MS_MAX,
  CATALOG_TEMPORARY_BYTES_MAX,
} from '../limits.ts';
import type { ServerMetrics } from '../metrics.ts';
import { MirroredCatalog } from './mirror-change.ts';
import type { FromMirror, MirrorOptions, MirrorReply, MirrorRequest } from './mirror-messages.ts';
import type { PrintExpression } from './mirror-rows.ts';
import { literal, mirrorSql } from './mirror-sql.ts';
import { type FreshImage, keepImage } from './start-image.ts';
import type { SessionFacts } from './session-facts.ts';
import { settingSql } from './session-facts.ts';

export type CatalogQuestion = Readonly<{
  /** What is to be seen: with the block's own changes. */
  catalog: CatalogView;
  /** Of whose session. */
  facts: SessionFacts;
  messages: Uint8Array;
}>;

export type PendingAnswer = Readonly<{
  answer: Promise<MirrorReply>;
  /** Nobody waits for it any more. */
  abandon: () => void;
}>;

type Job = Readonly<{
  question: CatalogQuestion;
  resolve: (reply: MirrorReply) => void;
  reject: (error: Error) => void;
}>;

type Running = Readonly<{
  worker: Worker;
  mirrored: MirroredCatalog;
  /** What the mirror's settings are, by name; as SQL. */
  settings: Map<string, string>;
}>;

export type SystemCatalogOptions = Readonly<{
  imageDirectory: string | null;
  log: Logger;
  metrics: ServerMetrics;
  print: PrintExpression;
}>;

export class SystemCatalog {
  readonly #options: SystemCatalogOptions;
  readonly #queue: Job[] = [];
  #mirror: Running | null = null;
  #ready = false;
  #current: Job | null = null;
  #nextId = 1;
  /** Of what is under way, or of idleness. */
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(options: SystemCatalogOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#mirror !== null;
  }

  ask(question: CatalogQuestion): PendingAnswer {
    if (this.#stopped) throw shuttingDown();
    if (this.#queue.length >= CATALOG_QUEUE_MAX) {
      throw new SqlError('53400', 'too many queries of the system catalog wait to be answered');
    }
    const { promise: answer, resolve, reject } = Promise.withResolvers<MirrorReply>();
    const job: Job = { question, resolve, reject };
    this.#queue.push(job);
    this.#options.metrics.catalogQueries.inc();
    this.#next();
    return { answer, abandon: () => this.#abandon(job) };
  }

  stop(): void {
    this.#stopped = true;
    for (const job of this.#queue.splice(0)) job.reject(shuttingDown());
    this.#replace(shuttingDown());
  }

  #abandon(job: Job): void {
    const at = this.#queue.indexOf(job);
    if (at >= 0) this.#queue.splice(at, 1);
    // WebAssembly can't be interrupted: soon it is done by itself, or its thread goes
    if (job === this.#current) this.#limit(CATALOG_GRACE_MS, canceled());
  }

  #next(): void {
    if (this.#current !== null || this.#queue.length === 0) return;
    if (this.#mirror === null) {
      this.#mirror = this.#start();
      return;
    }
    if (!this.#ready) return;
    const job = this.#queue.shift()!;
    this.#current = job;
    this.#limit(CATALOG_QUERY_MS_MAX, tookTooLong());
    this.#mirror.worker.ref();
    try {
      this.#mirror.worker.postMessage(this.#request(this.#mirror, job.question));
    } catch (error) {
      this.#replace(error as Error);
    }
  }

  #request({ mirrored, settings }: Running, { catalog, facts, messages }: CatalogQuestion): MirrorRequest {
    const { owner } = mirrored;
    const change = mirrored.advance(catalog, facts.users);
    let changeSql = '';
    if (change !== null) {
      // only the role that owns all may write there; RESET would leave the role as it is
      changeSql = `${settingSql('session authorization', literal(owner))}${mirrorSql(change)}`;
      settings.delete('session authorization');
      settings.delete('role');
    }
    let settingsSql = '';
    for (const [name, value] of settings) {
      // what was told of another session
      if (facts.settings.has(name) || value === NOTHING) continue;
      settings.set(name, NOTHING);
      settingsSql += settingSql(name, NOTHING);
    }
    for (const [name, value] of facts.settings) {
      if (settings.get(name) === value) continue;
      settings.set(name, value);
      // it takes the role back too
      if (name === 'session authorization') settings.delete('role');
      settingsSql += settingSql(name, value);
    }
    return { id: this.#nextId++, change: changeSql, settings: settingsSql, messages };
  }

  #start(): Running {
    const { imageDirectory, metrics } = this.#options;
    const workerData: MirrorOptions = {
      imageDirectory,
      resultBytesMax: CATALOG_RESULT_BYTES_MAX,
      memoryBytesMax: CATALOG_MEMORY_BYTES_MAX,
      temporaryBytesMax: CATALOG_TEMPORARY_BYTES_MAX,
    };
    const worker = new Worker(siblingModule(import.meta.url, 'mirror-worker'), {
      name: 'catalog',
      workerData,
    });
    const mine = (work: () => void): void => {
      if (this.#mirror?.worker === worker) work();
    };
    worker.on('message', (message: FromMirror) => mine(() => this.#receive(message)));
    worker.on('error', (error) => mine(() => this.#replace(broken(error.message))));
    worker.on('exit', () => mine(() => this.#replace(broken('its thread ended'))));
    metrics.catalogMirrorStarts.inc();
    metrics.catalogMirrors.set(1);
    this.#ready = false;
    this.#limit(CATALOG_START_MS_MAX, broken('it did not start in time'));
    return { worker, mirrored: new MirroredCatalog(this.#options.print), settings: new Map() };
  }

  #receive(message: FromMirror): void {
    switch (message.kind) {
      case 'ready':
        this.#ready = true;
        this.#keep(message.fresh);
        this.#rest();
        break;
      case 'unavailable':
        this.#options.log.warn({ reason: message.message }, 'the system catalog is not available');
        this.#replace(unavailable());
        break;
      case 'broken':
        this.#options.log.error({ reason: message.message }, 'the mirror of the system catalog broke');
        this.#replace(broken(message.message));
        break;
      case 'reply': {
        const job = this.#current;
        this.#current = null;
        if (message.reply.settingsFailed) this.#mirror!.settings.clear();
        job?.resolve(message.reply);
        if (message.memoryBytes > CATALOG_KEPT_BYTES_MAX) this.#replace(null);
        else this.#rest();
        break;
      }
      default:
        unreachable(message);
    }
  }

  /** Beside the answers: without the file the next start takes as long as this one. */
  #keep(fresh: FreshImage | null): void {
    const { imageDirectory, log } = this.#options;
    if (fresh === null || imageDirectory === null) return;
    keepImage(imageDirectory, fresh).catch((error: unknown) =>
      log.warn({ err: error }, 'the start image of the system catalog cannot be kept'),
    );
  }

  /** Takes the next question, or waits for one. */
  #rest(): void {
    this.#limit(CATALOG_IDLE_MS, null);
    this.#mirror?.worker.unref();
    this.#next();
  }

  #limit(milliseconds: number, error: SqlError | null): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#replace(error), milliseconds).unref();
  }

  /**
   * The mirror's thread ends; what it worked at fails, and what waits for its start. The next question, or the one that
   * waits, starts another.
   */
  #replace(error: Error | null): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const worker = this.#mirror?.worker;
    const failed = this.#current !== null ? [this.#current] : this.#ready ? [] : this.#queue.splice(0);
    this.#mirror = null;
    this.#ready = false;
    this.#current = null;
    void worker?.terminate();
    this.#options.metrics.catalogMirrors.set(0);
    if (error !== null) for (const job of failed) job.reject(error);
    this.#next();
  }
}

/** No fact. */
const NOTHING = "''";

const shuttingDown = (): SqlError =>
  new SqlError('57P01', 'terminating connection due to administrator command');

const canceled = (): SqlError => new SqlError('57014', 'canceling statement due to user request');

const tookTooLong = (): SqlError =>
  new SqlError('57014', 'canceling statement: a query of the system catalog took too long', {
    detail: `It may take ${CATALOG_QUERY_MS_MAX / 1_000} seconds.`,
  });

const broken = (reason: string): SqlError =>
  new SqlError('58000', 'the system catalog could not answer', { detail: reason, hint: 'Ask again.' });

const unavailable = (): SqlError =>
  new SqlError('0A000', 'the system catalog is not available', {
    hint: 'Install the optional package @electric-sql/pglite beside the server.',
  });
