/**
 * Files that are there whole or not at all: written under another name, synced, renamed into place. A write may take less
 * than it was given, without an error, where the disk gets full; so it goes on until all is written or an error says why not.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Written, but not yet in its place: the file of before is still there. */
export type WrittenFile = Readonly<{ take: () => void; drop: () => void }>;

/** For the server's user alone. What the file system says is thrown as it is, and nothing is left behind. */
export function writeAside(path: string, content: string | Uint8Array): WrittenFile {
  const partial = `${path}.partial`;
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  try {
    const fd = openSync(partial, 'w', 0o600);
    try {
      for (let at = 0; at < bytes.length; )
        at += writeSync(fd, bytes, at, Math.min(bytes.length - at, 1 << 30));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
  return {
    take: () => {
      renameSync(partial, path);
      syncDirectory(dirname(path));
    },
    drop: () => rmSync(partial, { force: true }),
  };
}

export function writeWhole(path: string, content: string | Uint8Array): void {
  writeAside(path, content).take();
}

/** A name that came or went is on the disk when this returns. */
function syncDirectory(path: string): void {
  // some systems open no directories
  if (process.platform === 'win32') return;
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
