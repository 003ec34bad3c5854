import { AccessError } from "../../ops/access/access-error.ts";
import { erase, type EraseParts, resume } from "../../ops/erase/erase.ts";
import { ErasureFiles } from "../../ops/erase/erasure-files.ts";
import { EraseLake } from "../../ops/erase/lake.ts";
import { erasureId } from "../../wire/erasure.ts";
import { BUCKET } from "../local/warehouse-fixture.ts";
import { offsets } from "./lake-fixture.ts";
import type { LoaderRig } from "./loader-fixture.ts";

export interface EraseStep {
  readonly source: string;
  readonly range: readonly [from: number, to: number];
  /** Dies at the nth call to the lake or the loader. */
  readonly at: number;
}

/** `weir erase`, as somebody runs it who does not wait for the warehouse; what is not done is resumed first. */
export async function eraseSome(loader: LoaderRig, { source, range, at }: EraseStep): Promise<void> {
  let calls = 0;
  const parts = partsOf(loader, () => {
    if (calls++ >= at) throw new Error("died");
  });
  try {
    const [open] = await openErasures(loader);
    if (open !== undefined) return void (await resume(open, parts));
    const began = "2026-11-21T11:00:00.000Z";
    const id = erasureId(
      new Date(),
      loader.targets[0]!.type,
      Math.random().toString(16).slice(2, 10).padEnd(8, "0"),
    );
    const where = [
      { column: "_src", values: [source] },
      { column: "_off", values: offsets(...range).map(String) },
    ];
    const { type, formerNames } = loader.targets[0]!;
    const condition = { where };
    const plan = { version: 1 as const, type, condition, startedAt: began, by: "model" };
    await erase({ ...plan, formerNames: [...formerNames], id, arrivedBefore: began }, parts);
  } catch (error) {
    if ((error as Error).message !== "died") throw error;
  }
}

/** Resumes what is not done until all is. */
export async function endErasures(loader: LoaderRig): Promise<void> {
  for (const id of await openErasures(loader)) {
    for (
      let tries = 0;
      !(
        await resume(
          id,
          partsOf(loader, () => undefined),
        )
      ).done;
      tries++
    ) {
      if (tries === 20) throw new Error(`erasure ${id} is not done`);
      await loader.drain();
    }
  }
}

async function openErasures(loader: LoaderRig): Promise<string[]> {
  const lake = new EraseLake({ s3: loader.rig.s3, bucket: BUCKET });
  const files = new ErasureFiles(lake);
  const open: string[] = [];
  for (const id of (await files.ids()).toSorted()) if (!(await files.isDone(id))) open.push(id);
  return open;
}

function partsOf(loader: LoaderRig, live: () => void): EraseParts {
  const { s3 } = loader.rig;
  const send = (...args: Parameters<typeof s3.send>): unknown => {
    live();
    return s3.send(...args);
  };
  return {
    place: {
      s3: { send } as never,
      bucket: BUCKET,
      invokeLoader: async (command) => {
        live();
        const answer = await loader.command(command);
        if (!answer.ok) throw new AccessError("REFUSED", answer.error.message);
        return answer as never;
      },
    },
    now: () => new Date(),
    progress: () => undefined,
    maxWaitMs: 0,
    waitMs: 0,
  };
}
