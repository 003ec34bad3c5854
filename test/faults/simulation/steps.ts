import type { Random } from "../../sequencer/random.ts";

/** What happens in a history because somebody or something does it, by how often it does. */
const WEIGHTS = {
  write: 40,
  foreign: 8,
  pass: 30,
  wait: 4,
  rotate: 6,
  kill: 4,
  restart: 3,
  "lose-power": 2,
  clone: 1,
  "set-clock": 2,
  reshard: 3,
  "stream-down": 2,
  corrupt: 2,
  deploy: 3,
  "deploy-loader": 3,
  "break-router": 2,
  "refuse-rows": 1,
  "leave-warehouse": 1,
  "lose-loader-state": 1,
} as const;

export type StepKind = keyof typeof WEIGHTS;

/** One step; its own seed decides on the rest, so that it stays the same without those before it. */
export interface Step {
  readonly kind: StepKind;
  readonly seed: number;
}

const KINDS = Object.keys(WEIGHTS) as StepKind[];
const SUM = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);

export function drawSteps(random: Random): Step[] {
  return Array.from({ length: random.int(25, 110) }, () => {
    let lot = random.int(0, SUM - 1);
    const kind = KINDS.find((kind) => (lot -= WEIGHTS[kind]) < 0)!;
    return { kind, seed: random.int(0, 2 ** 30) };
  });
}
