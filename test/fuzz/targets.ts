import { agentConfig } from "./agent-config.ts";
import { checkpoint } from "./checkpoint.ts";
import { commit } from "./commit.ts";
import { forward } from "./forward.ts";
import { spool } from "./spool.ts";
import { weirConfig } from "./weir-config.ts";
import type { Target } from "./fuzz.ts";

export const TARGETS: readonly Target[] = [agentConfig, checkpoint, commit, forward, spool, weirConfig];
