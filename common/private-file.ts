import type { Stats } from 'node:fs';

/** Why a file is no place for a key; null: it is one. As PostgreSQL has it: a key that others can read is no key. */
export function exposureOf(status: Stats): string | null {
  if (!status.isFile()) return 'is not a regular file';
  const self = process.geteuid?.();
  if (self === undefined) return null;
  if (status.uid !== self && status.uid !== 0) return "must be owned by the server's user or root";
  const foreign = status.uid === self ? 0o077 : 0o037;
  if ((status.mode & foreign) === 0) return null;
  return (
    'has group or world access: it must have permissions u=rw (0600) or less, ' +
    'or u=rw,g=r (0640) or less if it is owned by root'
  );
}
