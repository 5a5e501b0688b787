/** The runtime's door: starts the engine in a thread of its own. Tests may run it in theirs. */
import type { Engine, EngineOptions } from './engine-client.ts';
import { EngineCore } from './tick/engine-core.ts';
import { TickLoop } from './tick/tick-loop.ts';
import { EngineProxy } from './worker/engine-proxy.ts';

export { isHostEntry } from './source/allowed-host.ts';

/** `onFatal`: the engine's thread died of an assertion; nothing it holds can be trusted any more. */
export function startEngine(
  options: EngineOptions,
  onFatal: (error: Error) => void = throwLater,
): Promise<Engine> {
  return EngineProxy.start(options, onFatal);
}

/** In the caller's thread: with clock 'manual' it ticks when something waits, or when told to (advanceClock). */
export function startEngineHere(options: EngineOptions): EngineCore {
  const core = new EngineCore(options);
  if (options.clock === 'system') new TickLoop(core, throwLater).start();
  else {
    const turn = (): void => {
      core.tick();
      if (core.waits) setImmediate(turn);
    };
    core.state.wake = () => queueMicrotask(turn);
  }
  return core;
}

function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
