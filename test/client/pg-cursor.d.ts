declare module 'pg-cursor' {
  import type { QueryResultRow, Submittable } from 'pg';
  class Cursor<R extends QueryResultRow = QueryResultRow> implements Submittable {
    constructor(text: string, values?: readonly unknown[], config?: { rowMode?: 'array' });
    read(rows: number): Promise<R[]>;
    close(): Promise<void>;
    submit: Submittable['submit'];
  }
  export = Cursor;
}
