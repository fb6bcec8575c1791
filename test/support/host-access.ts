import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { HostAccess } from '../../src/site/command/transport.ts';
import { tempFolder } from './temp.ts';

export function hostAccess(changes: Partial<HostAccess> = {}): HostAccess {
  return {
    name: 'compute1',
    transport: 'ssh',
    address: '10.0.0.1',
    port: undefined,
    user: undefined,
    identityFile: undefined,
    knownHostsFile: undefined,
    sudo: false,
    instancesPath: '/var/lib/nova/instances',
    novasInstancesPath: '/var/lib/nova/instances',
    containers: null,
    images: null,
    ...changes,
  };
}

/** Puts an executable of this name before all others, for the length of a test. `$ARGS` is a file that its arguments go to. */
export function fakeProgram(name: string, script: string): { readonly args: string } {
  const folder = tempFolder();
  const args = join(folder, 'args');
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\n' "$@" >${args}\n${script}\n`);
  chmodSync(path, 0o755);
  const before = process.env['PATH'];
  process.env['PATH'] = `${folder}:${before}`;
  onTestFinished(() => {
    process.env['PATH'] = before;
  });
  return { args };
}
