import type { LoginMethod, Peer } from '../peer.ts';
import { isLoopbackAddress } from '../peer-address.ts';

/**
 * Who may log in how, where no file of rules says it: anybody from this machine until the first role has a password, from
 * then on only by password; from elsewhere only by password, and over TLS. `insecure` takes the whole network for this
 * machine. Null: no rule lets the peer in.
 */
export function defaultMethod(
  peer: Peer,
  { insecure, passwordsUsed }: Readonly<{ insecure: boolean; passwordsUsed: boolean }>,
): LoginMethod | null {
  const near = insecure || isLoopbackAddress(peer.address);
  if (near) return passwordsUsed ? 'scram-sha-256' : 'trust';
  return peer.tls ? 'scram-sha-256' : null;
}
