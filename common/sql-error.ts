import type { SqlState } from './sql-state.ts';

export type ErrorFields = Readonly<{
  detail?: string | undefined;
  hint?: string | undefined;
  /** Character offset (not bytes) into the statement's text, counted from 1 as the wire does. */
  position?: number | undefined;
  /** Where it happened: `COPY tweets, line 3, column score: "x"`. */
  context?: string | undefined;
}>;

/** The user's error: what the client sees, with its SQLSTATE. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  readonly code: SqlState;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly position: number | undefined;
  readonly context: string | undefined;

  constructor(code: SqlState, message: string, fields: ErrorFields = {}) {
    super(message);
    this.code = code;
    this.detail = fields.detail;
    this.hint = fields.hint;
    this.position = fields.position;
    this.context = fields.context;
  }

  /** Plain data, to cross a thread. */
  toPlain(): PlainError {
    const { code, message, detail, hint, position, context } = this;
    return { code, message, detail, hint, position, context };
  }

  static fromPlain(plain: PlainError): SqlError {
    return new SqlError(plain.code, plain.message, plain);
  }
}

export type PlainError = Readonly<{ code: SqlState; message: string }> & ErrorFields;
