// A consumer that is a CommonJS module and leaves it to Node.js to require an ES module, which module: nodenext knows of.
import flowtap = require('flowtap');

async function count(file: string): Promise<number> {
  let messages = 0;
  for await (const message of flowtap.capture({ file })) if (message.kind === 'response') messages++;
  return messages;
}

module.exports = { count };
