/** Which hosts connectors may reach: those of the loopback, and what the configuration names. */
import { BlockList, isIP } from 'node:net';
import { SqlError } from '../../common/sql-error.ts';

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1', '[::1]']);

/**
 * `allowed`: names, addresses and CIDR ranges, each with `:port` where it is only that one. A name is no address: it is
 * allowed as it is written, or not. 22023
 */
export function requireHost(host: string, port: number, allowed: readonly string[]): void {
  if (LOOPBACK.has(host) || allowed.some((entry) => isAllowed(host, port, entry))) return;
  throw new SqlError('22023', `host "${host}" is not allowed for the tcp connector`, {
    hint: 'It reaches the loopback, and the hosts of millrace.connector_hosts.',
  });
}

function isAllowed(host: string, port: number, entry: string): boolean {
  const { target, port: only } = parseEntry(entry);
  if (only !== null && only !== port) return false;
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (!target.includes('/')) return bare === target.toLowerCase();
  const [network = '', bits = ''] = target.split('/');
  const family = isIP(bare);
  if (family === 0 || family !== isIP(network)) return false;
  const range = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  range.addSubnet(network, Number(bits), type);
  return range.check(bare, type);
}

/** `host`, `host:port`, `[::1]:port`, `10.0.0.0/8:port`. */
function parseEntry(entry: string): Readonly<{ target: string; port: number | null }> {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry);
  if (match === null) return { target: entry, port: null };
  return { target: match[1] ?? match[2] ?? '', port: match[3] === undefined ? null : Number(match[3]) };
}

/** Whether an entry of the configuration can be one. */
export function isHostEntry(entry: string): boolean {
  const { target, port } = parseEntry(entry);
  if (port !== null && (port < 1 || port > 65_535)) return false;
  const [network = '', bits, ...more] = target.split('/');
  if (more.length > 0) return false;
  const family = isIP(network);
  if (bits === undefined) return family !== 0 || /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i.test(network);
  return family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128);
}
