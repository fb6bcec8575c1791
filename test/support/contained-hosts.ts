/** Hosts of a site file whose every command gives one answer. */
import { Hosts } from '../../src/site/command/hosts.ts';
import { siteFile } from '../../src/site/config/site-file.ts';
import type { CommandAnswer } from '../../src/site/reader.ts';
import { siteConfig } from './sites.ts';

/** Lists every domain of a host. */
export const VIRSH = ['virsh', 'list', '--all'];

/** Hosts with this entry, which answer every command so; and what they were asked. */
export function hostsWith(entry: unknown, answer: Partial<CommandAnswer> = {}) {
  const asked: string[] = [];
  const file = siteFile.parse({ hosts: { default: entry } });
  const hosts = new Hosts(siteConfig({ file }), () => ({
    async run(argv) {
      asked.push(argv.join(' '));
      return { exit: 0, out: '\n', err: '', ...answer };
    },
    async close() {},
  }));
  return { hosts, asked };
}
