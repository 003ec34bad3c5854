import { pino } from "pino";
import { expect, test } from "vitest";
import { adoptState } from "../../../agent/process/adopt-state.ts";
import { type MachineState, NO_MACHINE } from "../../../agent/machine/machine-state.ts";
import type { TailState } from "../../../agent/tail/files/tail-state.ts";
import { byJoinedSource, reassemble } from "../event.ts";
import { randomNumbers, RandomWriter } from "../random-writer.ts";
import { globOf, seeds } from "../seeds.ts";
import { ROTATED_IDLE_MS, TailHarness } from "../tail-harness.ts";

/** A state that comes to one machine after the other. */
class MovingState {
  #machine: MachineState = NO_MACHINE;
  moves = 0;

  readonly move = (state: TailState): TailState => {
    const value = `node-${this.moves++ % 3}`;
    const adoption = adoptState({
      state: { ...state, spool: undefined },
      machine: this.#machine,
      isRestored: false,
      volume: undefined,
      found: [{ kind: "machine", value }],
      host: value,
      now: new Date(0),
      log: pino({ level: "silent" }),
    });
    this.#machine = adoption.machine;
    return adoption.state;
  };
}

test.each(seeds(10))(
  "seed %i: files that are rotated and truncated while the state moves are whole, each under its ids",
  async (seed) => {
    const random = randomNumbers(seed);
    await using tail = await TailHarness.make({ glob: globOf(seed) });
    const writer = new RandomWriter(tail.path("a.log"), random);
    const state = new MovingState();
    const someSteps = async (): Promise<void> => {
      for (let n = Math.floor(random() * 4); n > 0; n--) await writer.step();
    };
    const deliver = async (): Promise<void> => {
      const looked = writer.beforeLook();
      await tail.poll();
      looked();
      tail.acknowledge();
    };
    await writer.write();
    await deliver();
    for (let turn = 0; turn < 80; turn++) {
      const die = random();
      if (die < 0.5) await writer.step();
      else if (die < 0.8) await deliver();
      else if (die < 0.85) tail.pass(ROTATED_IDLE_MS);
      else {
        await deliver();
        writer.wasDelivered();
        await tail.restart(someSteps, state.move);
        // The new ids are in the checkpoint before anything is sent.
        tail.checkpoint();
      }
    }
    await tail.restart();
    for (let i = 0; i < 3; i++) await tail.drain();
    expect(state.moves).toBeGreaterThan(0);
    expect(writer.problems(Array.from(byJoinedSource(tail.events).values(), reassemble))).toEqual([]);
  },
);
