/** Where it can't be told how much room a disk has, it is not taken for full. */
import { statfsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DiskRoom } from '../../runtime/storage/disk-room.ts';

it.runIf(process.platform === 'linux')('is there on a file system that does not count blocks', () => {
  expect(statfsSync('/proc').blocks).toBe(0);
  expect(new DiskRoom('/proc', null).isFull).toBe(false);
});
