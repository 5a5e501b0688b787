/** Frames of our own are read by the library's receiver as the messages that they hold. */
import type { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import * as ws from 'ws';
import { textFrame } from '../../server/websocket/text-frame.ts';

/** The types of the library do not name it. */
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

it.each([0, 1, 2, 125, 126, 127, 255, 256, 4_096, 65_535])('%i bytes', async (length) => {
  const bytes = Buffer.from('é'.repeat(length >> 1) + 'x'.repeat(length & 1));
  const frames = [0, 1, length].map((at) => textFrame(bytes.subarray(0, at), bytes.subarray(at)));
  const receiver = new Receiver({ isServer: false });
  const read: unknown[] = [];
  const all = new Promise<void>((resolve) =>
    receiver.on('message', (data: Buffer, isBinary: boolean) => {
      read.push([data.equals(bytes), isBinary]);
      if (read.length === frames.length) resolve();
    }),
  );
  for (const frame of frames) receiver.write(frame);
  await all;
  expect(read).toEqual(frames.map(() => [true, false]));
});

it('is not longer than two bytes can say', () => {
  expect(() => textFrame(Buffer.alloc(1), Buffer.alloc(65_535))).toThrow(RangeError);
});
