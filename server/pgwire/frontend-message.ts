/** What a client may send, protocol 3.0 and 3.2. */
import type { SqlError } from '../../common/sql-error.ts';

/** 0 = text, 1 = binary. */
export type FormatCode = number;

export type StartupMessage =
  | Readonly<{
      kind: 'startup';
      minor: number;
      parameters: ReadonlyMap<string, string>;
    }>
  | Readonly<{ kind: 'ssl-request' }>
  | Readonly<{ kind: 'gss-request' }>
  /** The first bytes are those of TLS, without an SSLRequest; they are still there. */
  | Readonly<{ kind: 'tls-hello' }>
  /** Somebody took the port for that of HTTP. */
  | Readonly<{ kind: 'http-request' }>
  | Readonly<{ kind: 'cancel-request'; pid: number; secret: Buffer }>;

export type FrontendMessage =
  | StartupMessage
  | Readonly<{ kind: 'query'; text: string }>
  | Readonly<{ kind: 'parse'; name: string; text: string; parameterOids: readonly number[] }>
  | Readonly<{
      kind: 'bind';
      portal: string;
      statement: string;
      parameterFormats: readonly FormatCode[];
      parameters: readonly (Buffer | null)[];
      resultFormats: readonly FormatCode[];
    }>
  | Readonly<{ kind: 'describe'; target: 'statement' | 'portal'; name: string }>
  | Readonly<{ kind: 'execute'; portal: string; rowsMax: number }>
  | Readonly<{ kind: 'close'; target: 'statement' | 'portal'; name: string }>
  | Readonly<{ kind: 'flush' }>
  | Readonly<{ kind: 'sync' }>
  | Readonly<{ kind: 'terminate' }>
  | Readonly<{ kind: 'function-call' }>
  | Readonly<{ kind: 'copy-data'; data: Buffer }>
  | Readonly<{ kind: 'copy-done' }>
  | Readonly<{ kind: 'copy-fail'; message: string }>
  /** What was asked for at login: a password or a SASL message. */
  | Readonly<{ kind: 'password'; data: Buffer }>
  /** The message's bounds are known, its content is wrong: an ERROR, and the connection goes on. */
  | Readonly<{ kind: 'malformed'; extended: boolean; error: SqlError }>;
