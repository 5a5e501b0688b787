/** A view or a sink in a tick. An error of ours stops this one alone: the others go on. */
import { ExternalError } from '../../common/external-error.ts';
import type { SqlError } from '../../common/sql-error.ts';
import type { Tick } from '../dstream/dstream.ts';
import { internalError, type EngineState } from './engine-state.ts';
import type { RelationSet, RunningSink, RunningView } from './relation-set.ts';
import { writeToSink } from './write-to-sink.ts';

/** Reads of a view that failed give the error. */
export function stepView(running: RunningView, tick: Tick, state: EngineState): void {
  if (running.failed !== null) return;
  try {
    for (const { batches, watermarks, ended } of running.query.step(tick)) {
      running.view.apply(tick.number, tick.time, batches, watermarks, ended);
    }
    running.failed = running.query.failed;
  } catch (error) {
    running.failed = internalError(error);
    state.reject(running.view.name, running.failed, null, null);
  }
}

/** What fails outside is shown; the sink goes on with the next tick. */
export function stepSink(running: RunningSink, tick: Tick, relations: RelationSet): void {
  const { query, definition } = running;
  if (definition.ended !== null) running.lastError = definition.ended;
  if (query.failed !== null || definition.ended !== null) return;
  try {
    writeToSink(running, query.step(tick), tick, relations);
    running.lastError = failureOf(query)?.message ?? null;
  } catch (error) {
    running.lastError = (error as Error).message;
    if (!(error instanceof ExternalError)) query.failed = internalError(error);
  }
}

/** What its tick put out goes outside. */
export function commitSink(running: RunningSink, tick: Tick): void {
  if (running.query.failed !== null || running.definition.ended !== null) return;
  try {
    running.sink?.commit(tick.number);
  } catch (error) {
    running.lastError = (error as Error).message;
    if (!(error instanceof ExternalError)) running.query.failed = internalError(error);
  }
}

/** A step may have set it (on_error = 'fail'). */
const failureOf = (query: RunningSink['query']): SqlError | null => query.failed;
