/** SET, RESET, SHOW name, DISCARD. */
import type { AlterSystemStmt, DiscardStmt, Node, TypeCast, VariableSetStmt } from 'libpg-query';
import { SqlError } from '../../common/sql-error.ts';
import { isSuperuser } from '../authorize/membership.ts';
import { isRoleSetting, planSetRole } from '../authorize/set-role.ts';
import { requireSettingsWriter } from '../authorize/settings.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';

export function planSet(context: StatementContext, set: VariableSetStmt): Planned {
  const { binding } = context;
  const name = (set.name ?? '').toLowerCase();
  const local = set.is_local === true;
  if (isRoleSetting(name) && set.kind !== 'VAR_SET_MULTI') {
    const value = set.kind === 'VAR_SET_VALUE' ? settingText(context, name, set.args ?? []) : null;
    return planSetRole(context, name, value, local, set.kind === 'VAR_RESET' ? 'RESET' : 'SET');
  }
  switch (set.kind) {
    case 'VAR_SET_VALUE':
      return planned(context, {
        kind: 'set',
        name,
        value: settingText(context, name, set.args ?? []),
        local,
        tag: 'SET',
      });
    case 'VAR_SET_DEFAULT':
    case 'VAR_SET_CURRENT':
      return planned(context, { kind: 'set', name, value: null, local, tag: 'SET' });
    case 'VAR_RESET':
      return planned(context, { kind: 'set', name, value: null, local: false, tag: 'RESET' });
    case 'VAR_RESET_ALL':
      return planned(context, { kind: 'set', name: 'all', value: null, local: false, tag: 'RESET' });
    case 'VAR_SET_MULTI':
      if (set.name === 'TRANSACTION SNAPSHOT')
        throw binding.error(-1, '0A000', 'SET TRANSACTION SNAPSHOT is not supported');
      // Every isolation level is accepted: a block reads the snapshot of its BEGIN.
      return planned(context, { kind: 'nothing', tag: 'SET', notice: null, noticeCode: '00000' });
    default:
      throw binding.error(-1, '0A000', 'this form of SET is not supported');
  }
}

/** ALTER SYSTEM SET | RESET name, RESET ALL. */
export function planAlterSystem(context: StatementContext, { setstmt }: AlterSystemStmt): Planned {
  const name = setstmt?.name?.toLowerCase() ?? null;
  requireSettingsWriter(context.binding.catalog, context.plan.role, name);
  if (!isSuperuser(context.plan.catalog, context.plan.role)) {
    throw new SqlError(
      '42501',
      name === null
        ? 'permission denied to perform ALTER SYSTEM RESET ALL'
        : `permission denied to set parameter "${name}"`,
    );
  }
  const value =
    setstmt?.kind === 'VAR_SET_VALUE' ? settingText(context, name ?? '', setstmt.args ?? []) : null;
  return planned(context, { kind: 'alter-system', name, value });
}

/** Lists are joined; names among them are quoted where they must be (search_path). */
export function settingText(context: StatementContext, name: string, args: readonly Node[]): string {
  const isList = name === 'search_path';
  return args.map((arg) => (isList ? quoteName(textOf(context, arg)) : textOf(context, arg))).join(', ');
}

function textOf(context: StatementContext, node: Node): string {
  if ('TypeCast' in node) return intervalText(context, node.TypeCast);
  if (!('A_Const' in node)) throw context.binding.error(-1, '0A000', 'SET takes constants only');
  const { ival, fval, boolval, sval } = node.A_Const;
  if (sval !== undefined) return sval.sval ?? '';
  if (fval !== undefined) return fval.fval ?? '';
  if (boolval !== undefined) return boolval.boolval === true ? 'true' : 'false';
  return String(ival?.ival ?? 0);
}

/** SET TIME ZONE INTERVAL '…'. */
function intervalText(context: StatementContext, cast: TypeCast): string {
  if (cast.arg === undefined) throw context.binding.error(-1, '0A000', 'SET takes constants only');
  return textOf(context, cast.arg);
}

const quoteName = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;

const DISCARDS: Readonly<Record<string, 'all' | 'plans' | 'sequences' | 'temp'>> = {
  DISCARD_ALL: 'all',
  DISCARD_PLANS: 'plans',
  DISCARD_SEQUENCES: 'sequences',
  DISCARD_TEMP: 'temp',
};

export function planDiscard(context: StatementContext, discard: DiscardStmt): Planned {
  return planned(context, { kind: 'discard', what: DISCARDS[discard.target ?? ''] ?? 'all' });
}
