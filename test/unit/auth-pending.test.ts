/** Connections before their login: how many, and who goes first. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { PendingConnections } from '../../server/auth/pending-connections.ts';

it('drops the oldest of the address that has most', () => {
  const pending = new PendingConnections(5);
  const add = (address: string): PassThrough => {
    const socket = new PassThrough();
    pending.add(socket, address);
    return socket;
  };
  const slow = add('192.0.2.1');
  const flood = Array.from({ length: 4 }, () => add('192.0.2.9'));
  const in_ = add('192.0.2.2');
  expect([slow.destroyed, in_.destroyed]).toEqual([false, false]);
  expect(flood.map(({ destroyed }) => destroyed)).toEqual([true, false, false, false]);
  for (let i = 0; i < 100; i++) add('192.0.2.9');
  expect([slow.destroyed, in_.destroyed]).toEqual([false, false]);
  pending.close();
  expect(slow.destroyed).toBe(true);
});

it('forgets who has logged in and who has left', async () => {
  const pending = new PendingConnections(2);
  const sockets = Array.from({ length: 4 }, () => new PassThrough());
  const [first, second, third, fourth] = sockets as [PassThrough, PassThrough, PassThrough, PassThrough];
  pending.add(first, 'a');
  pending.add(second, 'a');
  pending.remove(first);
  second.destroy();
  await once(second, 'close');
  pending.add(third, 'a');
  pending.add(fourth, 'a');
  expect([first.destroyed, third.destroyed, fourth.destroyed]).toEqual([false, false, false]);
  pending.close();
  expect([first.destroyed, third.destroyed]).toEqual([false, true]);
});
