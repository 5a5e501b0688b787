/** `CREATE SECRET`: a value that options of connectors name, and that nobody is shown. */
import type { Owned } from './authorization.ts';
import type { Oid } from './oid.ts';

export type SecretDefinition = Owned &
  Readonly<{
    kind: 'secret';
    oid: Oid;
    schema: string;
    name: string;
    comment: string | null;
    /** As common/sealed-secret.ts keeps it; '' until the statement runs. */
    sealed: string;
    /** µs since 1970 */
    createdAt: number;
    /** When it got another value; null: it has its first. */
    alteredAt: number | null;
  }>;

/** An option of a connector: as it was written, or a secret that is asked for whenever it is used. */
export type OptionText = Readonly<{ kind: 'text'; text: string }> | Readonly<{ kind: 'secret'; secret: Oid }>;
