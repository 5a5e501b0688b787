/** Which hosts connectors may reach. */
import { expect, it } from 'vitest';
import { isHostEntry, requireHost } from '../../runtime/source/allowed-host.ts';

const reaches = (host: string, port: number, ...allowed: readonly string[]): boolean => {
  try {
    requireHost(host, port, allowed);
    return true;
  } catch {
    return false;
  }
};

it.each([
  ['localhost', 1, [], true],
  ['127.0.0.1', 1, [], true],
  ['::1', 1, [], true],
  ['127.0.0.2', 1, [], false],
  ['10.1.2.3', 1, [], false],
  ['10.1.2.3', 1, ['10.0.0.0/8'], true],
  ['11.1.2.3', 1, ['10.0.0.0/8'], false],
  ['10.1.2.3', 9, ['10.0.0.0/8:9'], true],
  ['10.1.2.3', 8, ['10.0.0.0/8:9'], false],
  ['feed.example', 1, ['other', 'Feed.Example'], true],
  ['feed.example', 2, ['feed.example:1'], false],
  ['feed.example.evil', 1, ['feed.example'], false],
  // a name that points into an allowed range is still a name that nobody allowed
  ['anything', 1, ['0.0.0.0/0', '[::/0]'], false],
  ['fd00::5', 1, ['[fd00::/8]'], true],
  ['[fd00::5]', 7, ['[fd00::/8]:7'], true],
  ['fe00::5', 1, ['[fd00::/8]'], false],
  ['0x7f.1', 1, ['127.0.0.0/8'], false],
] as const)('%s port %d with %j: %s', (host, port, allowed, wanted) => {
  expect(allowed.every(isHostEntry)).toBe(true);
  expect(reaches(host, port, ...allowed)).toBe(wanted);
});

it.each(['', 'a b', '10.0.0.0/33', '10.0.0/8', 'name/8', 'host:0', 'host:70000', '[::1', 'a/b/c', '-x'])(
  '%j is no host',
  (entry) => expect(isHostEntry(entry)).toBe(false),
);
