/** What selects about one message in a hundred of the api workload. */
import type { Message } from '../lib/index.js';

/** For `match`; decided natively. */
export const selection = 'path in {"/api/v2/users/0*", "/api/v2/orders/0*"}';

/** The same in JavaScript. */
export function isSelected(message: Message): boolean {
  return message.kind === 'request' && /^\/api\/v2\/(users|orders)\/0/.test(message.path);
}
