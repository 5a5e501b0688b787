/**
 * OIDs of what our catalog has no number for, but PostgreSQL's has. The catalog counts from 16384 upwards; these ranges
 * lie far above it and below 2³¹, which every client can hold.
 */
import type { Oid } from '../../runtime/plan/relation.ts';

/** Row type, primary key's index and primary key of a relation: its own OID and this. */
export const ROW_TYPE_BASE = 1_000_000_000;
export const PRIMARY_KEY_BASE = 1_100_000_000;
export const PRIMARY_KEY_CONSTRAINT_BASE = 1_800_000_000;
/** Of a cast that is there while the mirror is changed. */
export const TREE_CAST_OID: Oid = 1_999_999_999;
/**
 * What is numbered as it comes, a range for each table: clients join dependencies by OID alone, so that a rule must not
 * have the number of a constraint.
 */
export const NUMBERED_BASES = {
  pg_constraint: 1_200_000_000,
  pg_rewrite: 1_300_000_000,
  pg_attrdef: 1_400_000_000,
  pg_auth_members: 1_500_000_000,
  pg_default_acl: 1_600_000_000,
} as const;
export const NUMBERED_MAX = 100_000_000;
/** Functions of the mirror that answer in the place of PostgreSQL's. */
export const OWN_FUNCTION_BASE = 1_700_000_000;
/** Schema millrace and its views. */
export const SYSTEM_SCHEMA_OID: Oid = 1_900_000_000;
/** Users without a role, while nobody has a password. */
export const STUB_ROLE_BASE = 1_950_000_000;
