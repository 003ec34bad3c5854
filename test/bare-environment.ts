/** What a command is given beside its search path: nothing of it changes what it does, and it starts in half the time. */
const KEPT = ["PATH", "NODE_COMPILE_CACHE", "WEIR_KEPT_BUNDLES", "WEIR_KEPT_CLUSTER"];

/** The environment of a command that knows no region and no credentials of whoever runs the tests. */
export const bareEnvironment = (): Record<string, string> => ({
  ...Object.fromEntries(
    KEPT.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  ),
  AWS_EC2_METADATA_DISABLED: "true",
});
