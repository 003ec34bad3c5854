import { access, readFile } from "node:fs/promises";
import { join } from "node:path";

/** What container runtimes leave in a container: Docker, Podman, and systemd for any. */
const MARKS = [".dockerenv", "run/.containerenv", "run/systemd/container"];
const VARIABLES = [
  "container",
  "KUBERNETES_SERVICE_HOST",
  "ECS_CONTAINER_METADATA_URI",
  "ECS_CONTAINER_METADATA_URI_V4",
];
const CGROUPS = /docker|kubepods|containerd|libpod|lxc|crio/;
/** The root of a container is layers over one another: mountinfo of proc(5). */
const LAYERED_ROOT = /^\S+ \S+ \S+ \S+ \/ .* - (?:overlay|aufs|fuse\.fuse-overlayfs) /m;

/**
 * Whether /etc/machine-id may be an image's, which every container of it has, or one that is made up anew whenever a
 * container begins.
 */
export async function isContainer(root: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  if (VARIABLES.some((name) => environment[name])) return true;
  const marks = await Promise.all(MARKS.map((mark) => isThere(join(root, mark))));
  if (marks.includes(true)) return true;
  const [cgroups, mounts] = await Promise.all(
    ["proc/1/cgroup", "proc/self/mountinfo"].map((path) =>
      readFile(join(root, path), "utf8").catch(() => ""),
    ),
  );
  return CGROUPS.test(cgroups!) || LAYERED_ROOT.test(mounts!);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
