/** What looks for secrets in `ps` sees the children of children, their words and their environments. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { watchProcesses } from '../support/watch-processes.ts';

test.runIf(process.platform === 'linux')(
  'a word of a grandchild and what is in its environment are seen',
  async () => {
    const child = spawn('sh', ['-c', 'SHOWN=in-environment sleep 0.37; true'], { stdio: 'ignore' });
    const watch = watchProcesses(child.pid ?? 0);
    await once(child, 'close');
    const { commands, environments } = watch.stop();
    expect(commands).toContain('sleep 0.37');
    expect(environments.filter((each) => each.includes('SHOWN=in-environment'))).toHaveLength(1);
  },
);
