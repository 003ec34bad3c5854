/**
 * How long tests wait, in ms, for what hangs: on a busy machine everything comes, at a twentieth of the speed. Each limit is
 * below the next, as the one that is reached first tells the most of why.
 */

/** For one thing to come about. */
export const EVENT_MS = 300_000;
/** For a whole pipeline to start, work and come to its end. */
export const PIPELINE_MS = 1_000_000;
/** For a test, and for what is done before and after it. */
export const TEST_MS = 1_200_000;
