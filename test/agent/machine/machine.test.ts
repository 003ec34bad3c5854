import fc from "fast-check";
import { expect, test } from "vitest";
import {
  changeOfMachine,
  type KnownMachine,
  MACHINE_KINDS,
  type MachineId,
  remembered,
} from "../../../agent/machine/machine.ts";

/** One start after the other: what each finds, and where ids changed. */
function starts(...all: Partial<Record<MachineId["kind"], string>>[]): boolean[] {
  let known: KnownMachine = {};
  return all.map((told) => {
    const found = foundIn(told);
    const change = changeOfMachine(known, found);
    known = remembered(known, found, change);
    return change !== undefined;
  });
}

function foundIn(told: Partial<Record<MachineId["kind"], string>>): MachineId[] {
  return MACHINE_KINDS.flatMap((kind) => (told[kind] === undefined ? [] : [{ kind, value: told[kind] }]));
}

test.each([
  ["the first machine takes a state over", [{ "ec2-instance": "i-1" }], [false]],
  ["the same machine keeps it", [{ machine: "a" }, { machine: "a" }], [false, false]],
  ["another one does not", [{ machine: "a" }, { machine: "b" }, { machine: "b" }], [false, true, false]],
  [
    "nor does the first one that it comes back to",
    [{ machine: "a" }, { machine: "b" }, { machine: "a" }],
    [false, true, true],
  ],
  [
    "metadata that is away once, and back, says nothing",
    [{ "ec2-instance": "i-1" }, {}, { "machine-id": "m" }, { "ec2-instance": "i-1" }],
    [false, false, false, false],
  ],
  [
    "a clone whose metadata was away first is noticed once it is back",
    [{ "ec2-instance": "i-1" }, { "machine-id": "m" }, { "ec2-instance": "i-2", "machine-id": "m" }],
    [false, false, true],
  ],
  [
    "a clone whose metadata is away is noticed by its machine id",
    [
      { "ec2-instance": "i-1", "machine-id": "m" },
      { "machine-id": "n" },
      { "ec2-instance": "i-2", "machine-id": "n" },
    ],
    [false, true, false],
  ],
  [
    "a setting that is added, or taken away, says nothing by itself",
    [{ "ec2-instance": "i-1" }, { machine: "a", "ec2-instance": "i-1" }, { "ec2-instance": "i-1" }],
    [false, false, false],
  ],
  [
    "a setting that is added on another machine does not hide it",
    [{ "machine-id": "m" }, { machine: "a", "machine-id": "n" }],
    [false, true],
  ],
  [
    "the setting decides where there is one: a disk may go from host to host as one machine",
    [
      { machine: "db", "ec2-instance": "i-1" },
      { machine: "db", "ec2-instance": "i-2" },
      { "ec2-instance": "i-2" },
    ],
    [false, false, false],
  ],
  [
    "an instance with a new machine id is the same",
    [
      { "ec2-instance": "i-1", "machine-id": "m" },
      { "ec2-instance": "i-1", "machine-id": "n" },
      { "machine-id": "n" },
    ],
    [false, false, false],
  ],
  ["nothing that tells anything is no change", [{}, { machine: "a" }, {}, {}], [false, false, false, false]],
] as const)("%s", (_claim, told, changes) => {
  expect(starts(...told)).toEqual(changes);
});

test("ids change only where a kind that is known has another value, and then no second time for the same machine", () => {
  const told = fc.record(
    {
      machine: fc.constantFrom("1", "2"),
      "ec2-instance": fc.constantFrom("1", "2"),
      "machine-id": fc.constantFrom("1", "2"),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.array(told, { maxLength: 8 }), told, (before, now) => {
      let known: KnownMachine = {};
      for (const each of before) {
        const found = foundIn(each);
        known = remembered(known, found, changeOfMachine(known, found));
      }
      const found = foundIn(now);
      const change = changeOfMachine(known, found);
      if (change) expect([known[change.kind], now[change.kind]]).toEqual([change.from, change.to]);
      if (change) expect(change.from).not.toBe(change.to);
      const after = remembered(known, found, change);
      expect(changeOfMachine(after, found)).toBeUndefined();
      expect(changeOfMachine(after, [])).toBeUndefined();
    }),
  );
});
