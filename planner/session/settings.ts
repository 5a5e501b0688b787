/** SET, RESET, SHOW name, DISCARD. */
import type { AlterSystemStmt, DiscardStmt, Node, TypeCast, VariableSetStmt } from 'libpg-query';
import { MICROS_PER_HOUR } from '../../common/calendar.ts';
import { parseInterval } from '../../common/interval-parse.ts';
import { SqlError } from '../../common/sql-error.ts';
import { isSuperuser } from '../authorize/membership.ts';
import { isRoleSetting, planSetRole } from '../authorize/set-role.ts';
import { requireSettingsWriter } from '../authorize/settings.ts';
import { intervalField } from '../bind/type-names.ts';
import type { Planned } from '../statement.ts';
import { planned, type StatementContext } from '../statement-context.ts';
import { planSetModes } from './transaction.ts';

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
      return planSetModes(context, set);
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
  if ('TypeCast' in node) return hoursEast(context, node.TypeCast);
  if (!('A_Const' in node)) throw context.binding.error(-1, '0A000', 'SET takes constants only');
  const { ival, fval, boolval, sval } = node.A_Const;
  if (sval !== undefined) return sval.sval ?? '';
  if (fval !== undefined) return fval.fval ?? '';
  if (boolval !== undefined) return boolval.boolval === true ? 'true' : 'false';
  return String(ival?.ival ?? 0);
}

/** SET TIME ZONE INTERVAL '…' [HOUR [TO MINUTE]]: a number of hours, as SET TIME ZONE takes it too. */
function hoursEast(context: StatementContext, { arg, typeName }: TypeCast): string {
  if (arg === undefined) throw context.binding.error(-1, '0A000', 'SET takes constants only');
  const text = textOf(context, arg);
  const isNumber = /^\s*[-+]?\d+\s*$/.test(text);
  const field = typeName === undefined ? null : intervalField(typeName);
  const { months, days, micros } = parseInterval(isNumber && field === 'hour' ? `${text} hours` : text);
  if (months !== 0 || days !== 0 || !Number.isFinite(micros) || (isNumber && field === 'range')) {
    const hint = "Write hours and minutes: INTERVAL '+05:30' HOUR TO MINUTE.";
    throw context.binding.error(-1, '22023', `invalid value for parameter "TimeZone": "${text}"`, hint);
  }
  return String(micros / MICROS_PER_HOUR);
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
