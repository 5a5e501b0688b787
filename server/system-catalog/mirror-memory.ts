/**
 * What a mirror may hold. Its memory is one block that only grows, and its files lie in memory too: so neither resource limits
 * of a thread nor the operating system bound it.
 *
 * The block grows by one call of its allocator, which PostgreSQL reports as "out of memory" (53200) when it is refused, and
 * goes on. Sorts and recursion spill into temporary files, bounded by a setting. What else becomes larger are the files
 * that changes of the catalog leave behind, for nothing cleans up there: they count with the memory after which a mirror is
 * replaced.
 */

/** Of PGlite's module, which has no types of its own. */
type Module = Readonly<{
  wasmMemory: { readonly buffer: ArrayBufferLike; grow: (pages: number) => number };
  FS: Readonly<{ readdir: (path: string) => string[]; stat: (path: string) => { size: number } }>;
}>;

const PAGE_BYTES = 65_536;
const LOG_DIRECTORY = '/pglite/data/pg_wal';

/** In the words of PostgreSQL's start parameters. */
export const memoryParameters = (temporaryBytesMax: number): readonly string[] => [
  '-c',
  `temp_file_limit=${temporaryBytesMax / 1_024}kB`,
];

export class MirrorMemory {
  readonly #module: Module;

  constructor(module: Module, bytesMax: number) {
    this.#module = module;
    const { wasmMemory } = module;
    const grow = wasmMemory.grow.bind(wasmMemory);
    wasmMemory.grow = (pages) => {
      const bytes = wasmMemory.buffer.byteLength + pages * PAGE_BYTES;
      if (bytes > bytesMax) throw new RangeError(`the mirror may hold ${bytesMax} bytes`);
      return grow(pages);
    };
  }

  /** Of the memory, and of the log of what was changed; there is about as much in tables again. */
  get bytes(): number {
    const { wasmMemory, FS } = this.#module;
    const names = FS.readdir(LOG_DIRECTORY).filter((name) => !name.startsWith('.'));
    const log = names.reduce((sum, name) => sum + FS.stat(`${LOG_DIRECTORY}/${name}`).size, 0);
    return wasmMemory.buffer.byteLength + 2 * log;
  }
}
