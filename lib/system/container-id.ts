/** Conmon, which looks after a container of Podman or CRI-O, is not in it. */
const container = /(?:^|[/:-])(?<!conmon-)([0-9a-f]{64})(?:\.scope)?(?=\/|$)/g;

/**
 * The id of the container that a process runs in, from its /proc/PID/cgroup: that of Docker, containerd, CRI-O or Podman, in version 1
 * or 2, of the innermost when they are nested. undefined outside of any; inside of a container the file often does not tell.
 */
export function containerIdOf(cgroup: string): string | undefined {
  for (const line of cgroup.split('\n')) {
    // hierarchy:controllers:path
    const path = line.split(':').slice(2).join(':');
    const id = [...path.matchAll(container)].at(-1)?.[1];
    if (id !== undefined) return id;
  }
  return undefined;
}
