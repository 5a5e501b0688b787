/** Who a session belongs to, as its login found out. */
import { BOOTSTRAP_ROLE_OID } from '../../runtime/plan/authorization.ts';
import type { Oid } from '../../runtime/plan/relation.ts';
import type { CatalogView } from '../catalog.ts';

export type Login = Readonly<{
  /** As the client named itself: session_user. */
  user: string;
  /** Whose privileges it has. */
  role: Oid;
  /** Of the token that it came with; null: it came without one. */
  claims: Readonly<Record<string, unknown>> | null;
  /** ms since 1970: when the token ends, and with it what it opened. */
  expiresAt?: number;
  /** of CREATE TOKEN: what it opened ends when it is dropped */
  token?: Oid;
}>;

/** A login that nobody asked for a password: the role of that name, or, where there is none, the one that owns all. */
export function trustedLogin(catalog: CatalogView, user: string): Login {
  return { user, role: catalog.role(user)?.oid ?? BOOTSTRAP_ROLE_OID, claims: null };
}
