import { isAbsolute } from "node:path";
import * as z from "zod";

/** A path that means the same wherever the agent is started. */
export const absolutePath = z.string().refine(isAbsolute, "must be an absolute path");
