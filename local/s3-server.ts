import { startFauxqs } from "fauxqs";

/** Run by `s3.ts` in a process of its own, with fauxqs's options as the one argument. */
await startFauxqs(JSON.parse(process.argv[2]!) as Parameters<typeof startFauxqs>[0]);
