import { PREFIX } from "../../wire/keys.ts";
import { isBadErasure, type LakeErasures } from "./erasure/lake-erasures.ts";
import { Claim, type ClaimLimits, type Unreadable } from "./claim.ts";
import type { Lake } from "./lake.ts";
import { fitPlan, knowConfigs } from "./removed-columns/fit-plan.ts";
import type { Interval } from "./set-aside.ts";
import type { TableState } from "./state.ts";
import type { Target } from "./target.ts";

/** What became of a claim. */
export interface ClosedClaim {
  readonly target: Target;
  readonly state: TableState;
  readonly unreadable: readonly Unreadable[];
  readonly contested: ReadonlyMap<string, ReadonlySet<string>>;
  /** Fields that went into `_extra`, since the table has no column for them any more. */
  readonly toExtra: ReadonlySet<string>;
}

/**
 * The claims of one tick, one of each table that has no load open. A full one is closed at once, and so is the
 * largest where they take too much memory together: closing writes the load's files, and frees what it held.
 */
export class Claims {
  readonly closed: ClosedClaim[] = [];
  readonly #lake: Lake;
  readonly #now: Date;
  readonly #maxHeldBytes: number;
  readonly #erasures: LakeErasures | undefined;
  #open: Claim[];

  constructor(
    tables: readonly { readonly target: Target; readonly state: TableState }[],
    lake: Lake,
    now: Date,
    limits: ClaimLimits & { readonly maxHeldBytes: number },
    erasures?: LakeErasures,
  ) {
    this.#open = tables.map(({ target, state }) => new Claim(target, state, limits));
    this.#lake = lake;
    this.#now = now;
    this.#maxHeldBytes = limits.maxHeldBytes;
    this.#erasures = erasures;
  }

  get open(): readonly Claim[] {
    return this.#open;
  }

  /** Called after each commit: limits are exceeded by one at most. */
  async closeFull(): Promise<void> {
    let [held, largest] = [0, this.#open[0]];
    for (const claim of this.#open) {
      await knowConfigs(claim.plan, claim.target, this.#lake);
      held += claim.plan.heldBytes;
      if (claim.isFull) await this.close(claim, { backlog: true });
      else if (claim.plan.heldBytes > largest!.plan.heldBytes) largest = claim;
    }
    if (held > this.#maxHeldBytes && this.#open.includes(largest!)) {
      await this.close(largest!, { backlog: true });
    }
  }

  async closeAll({ backlog }: { readonly backlog: boolean }): Promise<void> {
    for (const claim of this.#open) await this.close(claim, { backlog });
  }

  /** @param log the interval that the load is of */
  async close(
    claim: Claim,
    { backlog }: { readonly backlog: boolean },
    log: Interval = claim.log,
  ): Promise<void> {
    const { target, plan, unreadable } = claim;
    const { replanning, ...state } = claim.state;
    this.#open = this.#open.filter((other) => other !== claim);
    const closed = { target, unreadable, contested: plan.contested, toExtra: new Set<string>() };
    if (plan.size === 0) {
      this.closed.push({ ...closed, state: { ...state, backlog } });
      return;
    }
    const listed = this.#erasures?.of(target).length ?? 0;
    if (listed > 0) await this.#replaceObjects(claim);
    const load = {
      ...plan.load(log, this.#now),
      ...(replanning && { replanned: true as const }),
      ...(listed > 0 && { erasures: { listed, applied: state.erasures?.applied ?? 0 } }),
    };
    const toExtra = await fitPlan(plan, load.id, target, this.#lake);
    for (const { key, body } of plan.files(load, this.#lake.bucket)) await this.#lake.put(key, body);
    this.closed.push({ ...closed, toExtra, state: { ...state, backlog, load } });
  }

  /** An erasure that cannot be read is told, and the load names what its commits name. */
  async #replaceObjects({ plan, target, unreadable }: Claim): Promise<void> {
    try {
      plan.replaceObjects(await this.#erasures!.rewritten(target, plan.objects));
    } catch (error) {
      if (!isBadErasure(error)) throw error;
      unreadable.push({ key: PREFIX.erasures, error });
    }
  }
}
