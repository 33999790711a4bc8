/** What permits this program what it may not do: the one place that knows. It needs no addon. */
import { quote } from '../export/shell-quote.js';
import { type PermissionFacts, permissionFacts } from './permission-facts.js';

/** Numbers of capabilities (linux/capability.h). */
const numbers = { dac_read_search: 2, net_raw: 13, sys_ptrace: 19, sys_admin: 21 } as const;

type Capability = keyof typeof numbers;

/** Something that takes a permission. */
export type Deed = 'capture' | 'enterNamespace' | 'seeSockets';

/** Promiscuous mode takes no more: whoever may open a packet socket may ask for it (packet(7)). */
const needed: Readonly<Record<Deed, readonly Capability[]>> = {
  capture: ['net_raw'],
  enterNamespace: ['net_raw', 'sys_admin', 'sys_ptrace'],
  seeSockets: ['net_raw', 'dac_read_search', 'sys_ptrace'],
};

/**
 * Ways to be permitted that, the best first, each with the line to type where one fits: in a container that cannot have the
 * capability neither sudo nor setcap does.
 * @param facts default: of this process
 */
export function waysToPermit(deed: Deed, facts: PermissionFacts = permissionFacts()): string[] {
  if (facts.platform !== 'linux') {
    return [
      `run it as root: ${sudo(facts)}`,
      'or give your user read access to /dev/bpf*, as the ChmodBPF package of Wireshark does',
    ];
  }
  const has = (one: Capability) => (facts.bounding & (1n << BigInt(numbers[one]))) !== 0n;
  if (facts.noNewPrivileges || !facts.wholeMachine || !needed[deed].every(has)) return fromOutside(deed, facts);
  const asRoot =
    facts.container && !facts.sudo
      ? 'run it as root in the container (docker exec --user 0)'
      : `run it as root: ${sudo(facts)}`;
  if (!facts.fileCapabilities) return [asRoot];
  const wanted = needed[deed].map((one) => `cap_${one}`).join(',');
  return [
    asRoot,
    `or give this Node.js the capabilities, ${facts.sudo ? 'once: sudo' : 'once, as root:'} setcap ${wanted}=eip ${word(facts.program)}`,
  ];
}

/** The same in a sentence, without its full stop. */
export function permissionAdvice(deed: Deed, facts?: PermissionFacts): string {
  const text = waysToPermit(deed, facts).join('; ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Whoever starts this program decides. */
function fromOutside(deed: Deed, { container, wholeMachine }: PermissionFacts): string[] {
  const names = needed[deed].map((one) => one.toUpperCase());
  const ways = [
    `start ${container ? 'the container' : 'it'} as root with ${names.map((one) => `CAP_${one}`).join(', ')}`,
  ];
  if (container) {
    const docker = names.map((one) => `--cap-add=${one}`).join(' ');
    ways[0] += ` (docker run --user 0 ${docker}; Kubernetes: securityContext.capabilities.add: [${names.join(', ')}])`;
  } else if (!wholeMachine) {
    ways[0] += ', outside of this user namespace';
  }
  return [...ways, 'sudo and setcap do not help in here'];
}

function sudo({ command, sudo }: PermissionFacts): string {
  return `${sudo ? 'sudo ' : ''}${command.map(word).join(' ')}`;
}

function word(text: string): string {
  return quote(Buffer.from(text));
}
