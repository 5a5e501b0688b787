/** Parse, Bind, Describe, Execute, Close. Each throws SqlError; the connection then skips to Sync. */
import { unreachable } from '../../common/assert.ts';
import { SqlError } from '../../common/sql-error.ts';
import { type Schema, sameType, typeNameOfOid, typeOid, type TypeName } from '../../common/types.ts';
import { catalogQueryIn, type ParsedStatement, type Planned } from '../../planner/statement.ts';
import { MESSAGES_AHEAD_MAX } from '../limits.ts';
import { type CatalogDescription, describeCatalog } from '../session/catalog-statement.ts';
import type { Outcome, RowsOutcome } from '../session/outcome.ts';
import { Portal, UNDECLARED } from '../session/portal.ts';
import { noStatement } from '../session/prepare-statement.ts';
import type { Prepared } from '../session/prepared.ts';
import type { Arguments } from '../session/arguments.ts';
import type { Session } from '../session/session.ts';
import { preparedColumns } from '../session/statement-columns.ts';
import {
  writeBindComplete,
  writeCloseComplete,
  writeCommandComplete,
  writeEmptyQueryResponse,
  writeNoData,
  writeParameterDescription,
  writeParseComplete,
  writePortalSuspended,
  writeRowDescription,
} from './backend-messages.ts';
import { keptAnswer, sendAnswer } from './cached-answer.ts';
import { receiveCopy } from './copy-in.ts';
import type { FrontendMessage } from './frontend-message.ts';
import { parameterTexts, requireParameters } from './parameter-values.ts';
import { dataRowEncoder, formatOf, sharedEncoder } from './row-encoder.ts';
import { completionTag, sendCopyOutcome, type Wire } from './send-outcome.ts';
import { sendRows } from './send-rows.ts';

type Message<K extends FrontendMessage['kind']> = Extract<FrontendMessage, { kind: K }>;

/** OIDs of `unknown` and of no type at all: the planner infers. */
const UNTYPED: ReadonlySet<number> = new Set([0, 705]);

export async function handleParse({ session, output }: Wire, message: Message<'parse'>): Promise<void> {
  const { name, text, parameterOids } = message;
  if (name !== '' && session.prepared.has(name)) {
    throw new SqlError('42P05', `prepared statement "${name}" already exists`);
  }
  const statements = await session.parseText(text);
  if (statements.length > 1) {
    throw new SqlError('42601', 'cannot insert multiple commands into a prepared statement');
  }
  const parsed = statements[0] ?? null;
  session.refuseInFailedBlock(parsed);
  const declaredTypes = parameterOids.map(declaredType);
  const planned = parsed === null ? null : await session.planText(parsed, { types: declaredTypes });
  const described = await describe(session, parsed, planned, parameterOids);
  session.prepared.set(name, {
    parsed,
    declaredTypes,
    parameterTypes: planned?.parameterTypes ?? [],
    planned,
    described,
  });
  writeParseComplete(output.writer);
}

async function describe(
  session: Session,
  parsed: ParsedStatement | null,
  planned: Planned | null,
  parameterOids: readonly number[],
): Promise<CatalogDescription | null> {
  const asked = planned === null ? null : catalogQueryIn(planned.statement);
  if (asked !== null && parsed !== null) return describeCatalog(session, asked, parsed, parameterOids);
  // other types than ours are the catalog's alone
  parameterOids.forEach(requireType);
  return null;
}

function declaredType(oid: number): TypeName | null {
  return UNTYPED.has(oid) ? null : (typeNameOfOid(oid) ?? null);
}

function requireType(oid: number): void {
  if (UNTYPED.has(oid) || typeNameOfOid(oid) !== undefined) return;
  throw new SqlError('42704', `type with OID ${oid} does not exist`);
}

export function handleBind({ session, output }: Wire, message: Message<'bind'>): void {
  const prepared = session.prepared.get(message.statement);
  if (prepared === undefined) throw noStatement(message.statement);
  session.refuseInFailedBlock(prepared.parsed);
  if (message.portal !== '' && session.portals.has(message.portal)) {
    throw new SqlError('42P03', `cursor "${message.portal}" already exists`);
  }
  const { parsed } = prepared;
  const given = boundArguments(message, prepared);
  const columns = preparedColumns(session, prepared);
  requireFormats(message.resultFormats.length, columns?.length ?? 0);
  const run = async (): Promise<Outcome> =>
    parsed === null ? { kind: 'empty' } : session.execute(parsed, given);
  session.portals.close(message.portal);
  session.portals.add(
    message.portal,
    new Portal(session, parsed, columns, message.resultFormats, run, {
      ...UNDECLARED,
      given: prepared.described === null ? given : null,
      parameterBytes: message.portal === '' ? 0 : parameterBytes(message),
    }),
  );
  writeBindComplete(output.writer);
}

function boundArguments(message: Message<'bind'>, prepared: Prepared): Arguments {
  const { described, parameterTypes, declaredTypes } = prepared;
  if (described === null) {
    const values = parameterTexts(message, parameterTypes);
    const types = parameterTypes.map((type) => type.name);
    return values.length === 0 ? { types } : { types, values };
  }
  const { parameterOids: oids } = described;
  const { parameters: values, parameterFormats: formats, resultFormats } = message;
  requireParameters(message, oids.length);
  return { types: declaredTypes, parameters: { oids, values, formats }, resultFormats };
}

const parameterBytes = ({ parameters }: Message<'bind'>): number =>
  parameters.reduce((sum, value) => sum + (value?.length ?? 0), 0);

function requireFormats(formats: number, columns: number): void {
  if (formats > 1 && formats !== columns) {
    throw new SqlError(
      '08P01',
      `bind message has ${formats} result formats but query has ${columns} columns`,
    );
  }
}

export function handleDescribe({ session, output }: Wire, message: Message<'describe'>): void {
  if (message.target === 'statement') {
    const prepared = session.prepared.get(message.name);
    if (prepared === undefined) throw noStatement(message.name);
    session.refuseInFailedBlock(prepared.parsed);
    writeParameterDescription(
      output.writer,
      prepared.described?.parameterOids ?? prepared.parameterTypes.map((type) => typeOid(type.name)),
    );
    const columns = preparedColumns(session, prepared);
    if (columns === null) writeNoData(output.writer);
    else writeRowDescription(output.writer, columns, () => 0);
    return;
  }
  const portal = requirePortal(session, message.name);
  if (portal.columns === null) writeNoData(output.writer);
  else writeRowDescription(output.writer, portal.columns, (i) => formatOf(portal.resultFormats, i));
}

function requirePortal(session: Session, name: string): Portal {
  const portal = session.portals.get(name);
  if (portal === undefined) throw new SqlError('34000', `portal "${name}" does not exist`);
  return portal;
}

/**
 * Runs or continues a portal. Statements up to a Sync are one implicit block: a write that a Sync follows at once is
 * that block alone, and lands without being buffered.
 */
export async function handleExecute(wire: Wire, message: Message<'execute'>): Promise<void> {
  const { session, input, output } = wire;
  const portal = requirePortal(session, message.portal);
  session.refuseInFailedBlock(portal.parsed);
  if (!portal.started) {
    session.endsBlock = await syncFollows(wire);
    if (session.transaction === null && !session.endsBlock) session.begin(true);
  } else if (portal.finished) {
    return repeatEnd(wire, portal);
  }
  if (await sendKeptAnswer(wire, portal, message.rowsMax)) return;
  const outcome = await portal.outcome();
  switch (outcome.kind) {
    case 'empty':
      writeEmptyQueryResponse(output.writer);
      break;
    case 'command':
      writeCommandComplete(output.writer, outcome.tag);
      break;
    case 'rows': {
      requireSameColumns(portal.columns, outcome.columns);
      const { text } = session.settings;
      const rows = dataRowEncoder(outcome.columns, portal.resultFormats, text);
      const encoder =
        outcome.live === null ? rows : sharedEncoder(rows, `rows ${portal.resultFormats.join()}`, text);
      const cursor = portal.cursor(outcome);
      const sent = await sendRows(session, output, cursor, encoder, message.rowsMax, outcome.live !== null);
      if (!sent.ended) {
        writePortalSuspended(output.writer);
        return;
      }
      session.release(outcome.source);
      writeCommandComplete(output.writer, completionTag(outcome, sent.rows));
      break;
    }
    case 'copy-out':
      writeCommandComplete(output.writer, `COPY ${await sendCopyOutcome(wire, outcome)}`);
      break;
    case 'copy-in':
      writeCommandComplete(output.writer, `COPY ${await receiveCopy(session, input, output, outcome)}`);
      break;
    default:
      unreachable(outcome);
  }
  portal.finished = true;
}

/** The whole answer of a query, where it is one that is kept; false: run the portal. */
async function sendKeptAnswer({ session, output }: Wire, portal: Portal, rowsMax: number): Promise<boolean> {
  const { parsed, given, resultFormats } = portal;
  if (portal.started || parsed === null || given === null || rowsMax !== 0) return false;
  const kept = keptAnswer(session, parsed, given, resultFormats);
  if (kept === null) return false;
  const run = async (): Promise<RowsOutcome> => {
    const outcome = await portal.outcome();
    if (outcome.kind !== 'rows') throw new SqlError('XX000', 'a query gives rows');
    return outcome;
  };
  const rows = await sendAnswer(session, output, kept, resultFormats, run, ({ columns }) =>
    requireSameColumns(portal.columns, columns),
  );
  writeCommandComplete(output.writer, `SELECT ${rows}`);
  portal.finished = true;
  return true;
}

/** The client was told other columns: the catalog changed since. */
function requireSameColumns(described: Schema | null, actual: Schema): void {
  const same =
    described?.length === actual.length &&
    actual.every(
      ({ name, type, foreign }, i) =>
        name === described[i]!.name &&
        sameType(type, described[i]!.type) &&
        foreign?.oid === described[i]!.foreign?.oid,
    );
  if (!same) {
    throw new SqlError('0A000', 'cached plan must not change result type', {
      hint: 'Prepare the statement again.',
    });
  }
}

/** Whether the client's next message but Close is a Sync. It must send one or a Flush before it waits for answers. */
async function syncFollows({ session, input }: Wire): Promise<boolean> {
  // whoever closes so much at once waits a little longer for a write that ends there
  for (let i = 0; i < MESSAGES_AHEAD_MAX; i++) {
    const message = await session.interrupt.wait(input.peek(i));
    if (message === null || message.kind === 'sync') return true;
    if (message.kind !== 'close') return false;
  }
  return false;
}

/** A portal that was read to its end gives no more rows; one that gave none can't be run twice. */
async function repeatEnd({ output }: Wire, portal: Portal): Promise<void> {
  // what was answered without being run was a query
  if (!portal.started) return writeCommandComplete(output.writer, 'SELECT 0');
  const outcome = await portal.outcome();
  if (outcome.kind !== 'rows') throw new SqlError('55000', 'portal cannot be run');
  writeCommandComplete(output.writer, completionTag(outcome, 0));
}

export function handleClose({ session, output }: Wire, message: Message<'close'>): void {
  if (message.target === 'statement') {
    session.prepared.delete(message.name);
  } else {
    session.portals.close(message.name);
  }
  writeCloseComplete(output.writer);
}
