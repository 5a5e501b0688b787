import { createRequire } from 'node:module';

export type ArrowLibrary = typeof import('apache-arrow');

let library: ArrowLibrary | null = null;

/** The library takes some 90 ms to load: who never speaks Arrow never waits for it. Decoders can't wait, so by require. */
export function arrowLibrary(): ArrowLibrary {
  library ??= createRequire(import.meta.url)('apache-arrow') as ArrowLibrary;
  return library;
}
