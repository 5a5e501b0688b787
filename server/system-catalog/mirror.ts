/** The mirror itself: one PostgreSQL in WebAssembly, which holds nothing of a session between two requests. */
import type { PGlite } from '@electric-sql/pglite';
import type { PlainError } from '../../common/sql-error.ts';
import type { SqlState } from '../../common/sql-state.ts';
import type { MirrorOptions, MirrorReply, MirrorRequest } from './mirror-messages.ts';
import { MirrorMemory, memoryParameters } from './mirror-memory.ts';
import { readReply } from './reply-reader.ts';
import { type FreshImage, startImage } from './start-image.ts';

/** The mirror gave no answer, or a part of one: it is of no use any more. */
export class BrokenMirror extends Error {
  override readonly name = 'BrokenMirror';
}

/** Counts of rows and scans would be the mirror's own. */
const START_PARAMETERS = [
  '-c',
  'shared_buffers=4MB',
  '-c',
  'default_transaction_read_only=on',
  '-c',
  'track_counts=off',
];

export class Mirror {
  readonly #database: PGlite;
  readonly #memory: MirrorMemory;
  readonly #resultBytesMax: number;

  private constructor(database: PGlite, memory: MirrorMemory, resultBytesMax: number) {
    this.#database = database;
    this.#memory = memory;
    this.#resultBytesMax = resultBytesMax;
  }

  static async start({
    imageDirectory,
    resultBytesMax,
    memoryBytesMax,
    temporaryBytesMax,
  }: MirrorOptions): Promise<Readonly<{ mirror: Mirror; fresh: FreshImage | null }>> {
    const { PGlite } = await import('@electric-sql/pglite');
    const { image, fresh } = await startImage(PGlite, imageDirectory);
    const database = await PGlite.create({
      loadDataDir: image,
      username: 'millrace',
      database: 'millrace',
      startParams: [
        ...PGlite.defaultStartParams,
        ...START_PARAMETERS,
        ...memoryParameters(temporaryBytesMax),
      ],
    });
    const memory = new MirrorMemory(database.Module, memoryBytesMax);
    return { mirror: new Mirror(database, memory, resultBytesMax), fresh };
  }

  get memoryBytes(): number {
    return this.#memory.bytes;
  }

  /** Throws BrokenMirror, or Error where the mirror does not take what is to be mirrored. */
  async answer({ change, settings, messages }: MirrorRequest): Promise<MirrorReply> {
    if (change !== '') await this.#database.exec(change);
    try {
      if (settings !== '') await this.#database.exec(settings);
    } catch (error) {
      const { code, message } = error as { code?: SqlState; message: string };
      if (code === undefined) throw error;
      return failed({ code, message }, true);
    }
    const bytes = await this.#exchange(messages);
    if (bytes === null) return tooLarge(this.#resultBytesMax);
    const reply = readReply(bytes);
    if (reply === null) throw new BrokenMirror('the mirror gave no complete answer');
    const exhausted = reply.error !== null && EXHAUSTED.has(reply.error.code);
    return exhausted ? failed(OUT_OF_MEMORY) : reply;
  }

  /** null: more than is allowed; what is beyond is not kept. */
  async #exchange(messages: Uint8Array): Promise<Uint8Array | null> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    await this.#database.execProtocolRawStream(messages, {
      syncToFs: false,
      onRawData: (chunk) => {
        bytes += chunk.byteLength;
        if (bytes <= this.#resultBytesMax) chunks.push(chunk.slice());
      },
    });
    if (bytes > this.#resultBytesMax) return null;
    const reply = new Uint8Array(bytes);
    let at = 0;
    for (const chunk of chunks) {
      reply.set(chunk, at);
      at += chunk.byteLength;
    }
    return reply;
  }
}

const failed = (error: PlainError, settingsFailed = false): MirrorReply => ({
  parameterOids: [],
  fields: null,
  batches: [],
  rows: 0,
  error,
  settingsFailed,
});

/** Its memory and, beyond it, its temporary files. */
const EXHAUSTED: ReadonlySet<string> = new Set(['53200', '53400']);

const OUT_OF_MEMORY: PlainError = {
  code: '53200',
  message: 'a query of the system catalog needs too much memory',
  hint: 'Ask for fewer rows or columns.',
};

const tooLarge = (bytesMax: number): MirrorReply =>
  failed({
    code: '54000',
    message: 'the result of a query of the system catalog is too large',
    detail: `It has ${bytesMax} bytes at the most.`,
    hint: 'Ask for fewer rows or columns.',
  });
