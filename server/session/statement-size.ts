import { SqlError } from '../../common/sql-error.ts';

const UTF8_BYTES_PER_UNIT_MAX = 3;

/** 54000 above millrace.statement_size_limit. */
export function requireStatementSize(text: string, bytesMax: number): void {
  if (text.length * UTF8_BYTES_PER_UNIT_MAX <= bytesMax || Buffer.byteLength(text) <= bytesMax) return;
  throw new SqlError('54000', `statement is larger than ${bytesMax} bytes`, {
    hint: 'Send rows by COPY, or raise millrace.statement_size_limit.',
  });
}
