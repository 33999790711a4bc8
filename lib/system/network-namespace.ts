/** The file that stands for a network namespace: that of a process, one that `ip netns add` made, or any other. */
export function networkNamespacePath(namespace: string | number): string {
  if (typeof namespace === 'number') return `/proc/${namespace}/ns/net`;
  return namespace.includes('/') ? namespace : `/run/netns/${namespace}`;
}
