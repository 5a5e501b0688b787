/** Addresses as people write them: an IPv4 one that came in as IPv6 is IPv4, and the zone of an IPv6 one is not in it. */
import { BlockList, isIPv6 } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  const plain = address.split('%')[0] ?? '';
  return plain.toLowerCase().startsWith('::ffff:') && plain.includes('.') ? plain.slice(7) : plain;
}

export function isLoopbackAddress(address: string): boolean {
  return address !== '' && LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** The eight groups of an IPv6 address without a zone, `::` filled up. */
export function groupsOf(address: string): readonly string[] {
  const [head = '', tail] = address.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const [left, right] = [groups(head), groups(tail ?? '')];
  const missing = tail === undefined ? 0 : Math.max(8 - left.length - right.length, 0);
  return [...left, ...Array.from({ length: missing }, () => '0'), ...right];
}
