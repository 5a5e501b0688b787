import { SqlError } from '../../common/sql-error.ts';
import type { IngestResult } from '../../runtime/engine-client.ts';
import type { ParsedStatement, Statement } from '../../planner/statement.ts';
import { bufferCopy, inputText } from './buffered-copy.ts';
import { runCatalog } from './catalog-statement.ts';
import { endingAtMark } from './end-of-copy.ts';
import type { CopyIngest, Outcome, RowsOutcome } from './outcome.ts';
import { runQuery, runSubscribe } from './query-statement.ts';
import type { Arguments } from './arguments.ts';
import type { Session } from './session.ts';

type CopyFrom = Extract<Statement, { kind: 'copy-from' }>;
type CopyTo = Extract<Statement, { kind: 'copy-to' }>;

/** COPY … FROM STDIN: the protocol brings the data. */
export async function executeCopyFrom(session: Session, statement: CopyFrom): Promise<Outcome> {
  session.refuseReadOnly('COPY FROM');
  const ingest = session.buffers ? bufferCopy(session, statement) : directCopy(session, statement);
  return {
    kind: 'copy-in',
    columns: statement.columns.length,
    binary: statement.format === 'binary',
    ingest: statement.format === 'text' ? endingAtMark(ingest) : ingest,
  };
}

/** Outside a block: the rows go to the engine as they come. */
function directCopy(session: Session, statement: CopyFrom): CopyIngest {
  const ingest = session.context.engine.ingest({ ...statement.ingest, text: inputText(session) });
  let open = true;
  return {
    // A copy that the engine may keep: the chunk is a part of what the socket gave.
    push: (chunk) => ingest.push(new Uint8Array(chunk)),
    finish: async () => {
      try {
        const result = await ingest.end();
        notifySkipped(session, statement, result);
        return result.accepted;
      } finally {
        open = false;
      }
    },
    abort: () => {
      if (open) ingest.abort();
      open = false;
    },
  };
}

/** ON_ERROR ignore: what LOG_VERBOSITY says of the rows that are not in. */
function notifySkipped(
  session: Session,
  { verbosity, target }: CopyFrom,
  { rejected, reported }: IngestResult,
): void {
  if (rejected === 0 || verbosity === 'silent') return;
  for (const { line, column, value, message } of reported) {
    const what =
      column === null
        ? `skipping row${line === 0 ? '' : ` at line ${line}`}: ${message}`
        : `skipping row due to data type incompatibility at line ${line} for column "${column}": "${value}"`;
    session.notify({ severity: 'NOTICE', code: '00000', message: what });
  }
  const rows = rejected === 1 ? '1 row was' : `${rejected} rows were`;
  session.notify({
    severity: 'NOTICE',
    code: '00000',
    message: `${rows} skipped due to data type incompatibility`,
    hint: `millrace.rejected_rows has the last of them, with relation = '${target.name}'.`,
  });
}

/** COPY … TO STDOUT of a relation, a query, a continuous query or SUBSCRIBE. */
export async function executeCopyTo(
  session: Session,
  statement: CopyTo,
  parsed: ParsedStatement,
  given: Arguments,
): Promise<Outcome> {
  const { source, options } = statement;
  let rows: RowsOutcome;
  if (source.kind === 'catalog') {
    const resultFormats = options.format === 'binary' ? [1] : [];
    rows = await runCatalog(session, source, parsed, { ...given, resultFormats });
  } else if (source.kind === 'query') rows = await runQuery(session, source, parsed.text);
  else if (source.kind === 'subscribe') rows = await runSubscribe(session, source, parsed.text);
  else throw new SqlError('0A000', 'COPY query must be SELECT, VALUES or SUBSCRIBE');
  return { kind: 'copy-out', rows: { ...rows, tag: 'COPY', counted: true }, options };
}
