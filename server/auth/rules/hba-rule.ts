/** One rule: whom it is about, and what they must do. The first one that is about a client decides. */
import { BlockList, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { isPlainMemberOf } from '../../../planner/planner.ts';
import type { CatalogView } from '../../catalog.ts';
import type { LoginMethod, Peer } from '../peer.ts';

export type NamePattern =
  | Readonly<{ kind: 'all' }>
  | Readonly<{ kind: 'name'; name: string }>
  /** database: the user's own */
  | Readonly<{ kind: 'same-user' }>
  /** user: members of the role, and the role itself */
  | Readonly<{ kind: 'member'; role: string }>;

export type AddressPattern =
  | Readonly<{ kind: 'all' }>
  | Readonly<{ kind: 'network'; address: string; prefixBits: number }>
  /** this machine's own addresses, or the networks that they are in */
  | Readonly<{ kind: 'own'; networks: boolean }>;

export type HbaRule = Readonly<{
  line: number;
  transport: 'local' | 'host' | 'hostssl' | 'hostnossl';
  databases: readonly NamePattern[];
  users: readonly NamePattern[];
  address: AddressPattern;
  method: LoginMethod | 'reject';
}>;

type Client = Readonly<{ peer: Peer; user: string; database: string }>;

export function isAbout(rule: HbaRule, client: Client, catalog: CatalogView): boolean {
  const { peer, user, database } = client;
  // There are no sockets of the file system here.
  if (rule.transport === 'local') return false;
  if (rule.transport === 'hostssl' && !peer.tls) return false;
  if (rule.transport === 'hostnossl' && peer.tls) return false;
  return (
    rule.databases.some((pattern) => matches(pattern, database, user, catalog)) &&
    rule.users.some((pattern) => matches(pattern, user, user, catalog)) &&
    isIn(rule.address, peer.address)
  );
}

function matches(pattern: NamePattern, name: string, user: string, catalog: CatalogView): boolean {
  switch (pattern.kind) {
    case 'all':
      return true;
    case 'name':
      return pattern.name === name;
    case 'same-user':
      return name === user;
    case 'member':
      return isMember(user, pattern.role, catalog);
  }
}

/** Directly or through other roles; being a superuser makes nobody a member. */
function isMember(user: string, group: string, catalog: CatalogView): boolean {
  const [role, other] = [catalog.role(user), catalog.role(group)];
  return role !== undefined && other !== undefined && isPlainMemberOf(catalog, role.oid, other.oid);
}

const family = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');

function isIn(pattern: AddressPattern, address: string): boolean {
  if (pattern.kind === 'all') return true;
  if (address === '') return false;
  const list = new BlockList();
  if (pattern.kind === 'network') {
    const own = family(pattern.address);
    // BlockList takes an IPv4 address for an IPv6 one too: those are apart here.
    if (own !== family(address)) return false;
    list.addSubnet(pattern.address, pattern.prefixBits, own);
  } else addOwn(list, pattern.networks);
  return list.check(address, family(address));
}

function addOwn(list: BlockList, networks: boolean): void {
  for (const { address, cidr } of Object.values(networkInterfaces()).flatMap((found) => found ?? [])) {
    const bits = Number(cidr?.split('/')[1]);
    if (networks && Number.isInteger(bits)) list.addSubnet(address, bits, family(address));
    else list.addAddress(address, family(address));
  }
}
