/** What a run did and nothing of its record brings back: named one by one, with what is saved of it. */

import { LookError } from '../../plan/errors.ts';
import type { Kept, Step } from '../../plan/types.ts';
import type { Reader } from '../../site/reader.ts';
import type { ActedStep } from '../read-run.ts';
import { asBefore, type Undone } from './undone.ts';

const SAVED = 'is saved in before.jsonl';

/** By kind and phase, or whether a step can be undone; a step of another kind is told of in general words, from what it says of itself. */
const WHY: Readonly<Record<string, string>> = {
  'console-tokens tokens': 'nothing is saved of a token; the user asks for a new console',
  'domain stop': 'the plug was pulled, and its memory is gone; Nova starts it again only from its disks',
  'domain undefine': `its XML ${SAVED}, without its passwords: virsh define takes it, and its disks have to be there`,
  'interfaces unplug': 'it is of use only to a running domain; Nova plugs anew when it starts the server',
  'volume-connections disconnect':
    'Nova connects a volume anew when it attaches it or starts the server, as long as its storage has it',
  'files files': 'files are gone for good: nothing of them is saved',
  'shelve-snapshot images': `its data are gone; its record ${SAVED}`,
  'allocations allocations': `what was held ${SAVED}; nova-manage placement heal_allocations --instance makes it anew, once the server has no task any more`,
  'volumes never': `its data are gone for good; what Cinder said of it ${SAVED}`,
  'volumes recreate': `who held it ${SAVED}; when the server is there again: openstack server add volume`,
  'ports ports': `a new port gets another id; its addresses, MAC and security groups ${SAVED.replace('is', 'are')}`,
};

/** Looks only where the journal does not know whether it happened; not being able to look there holds nothing up. */
export async function tellLost({ step, known }: ActedStep, look: Reader): Promise<Undone> {
  const lost = (doubt: string): Undone => ({
    ...asBefore(step),
    lost: { ...describe(step), why: `${doubt}${whyOf(step)}` },
  });
  if (isWait(step)) return asBefore(step);
  if (known === 'done') return lost('');
  try {
    return (await look.holds(step.settled)) ? lost('') : unlessPartly(step, lost);
  } catch (error) {
    if (!(error instanceof LookError)) throw error;
    return lost('it is not known whether it happened; if it did: ');
  }
}

/** A command that changes nothing, and so has nothing to save, leaves nothing behind. */
function isWait({ act, undo, before }: Step): boolean {
  return act.door === 'command' && undo === 'before-image' && before.length === 0;
}

/** A removal of files that broke off may have removed some. */
function unlessPartly(step: Step, lost: (doubt: string) => Undone): Undone {
  return step.phase === 'files' ? lost('it broke off, and part of it may be left; ') : asBefore(step);
}

function whyOf({ kind, phase, undo, before, act }: Step): string {
  if (act.door === 'sql') return `its rows are not put back; what they were ${SAVED.replace('is', 'are')}`;
  if (act.door === 'http' && act.path.startsWith('/v2.0/trunks/'))
    return `a new trunk gets another id; its parent and its subports ${SAVED.replace('is', 'are')}`;
  return (
    WHY[`${kind} ${phase}`] ??
    WHY[`${kind} ${undo}`] ??
    (before.length > 0 ? `this version cannot bring it back; what it was ${SAVED}` : 'nothing of it is saved')
  );
}

/** The thing, out of the title of the step that removed it. */
function describe({ place, title, phase }: Step): Omit<Kept, 'kind' | 'why'> {
  const what = title
    .replace(/^take (.*) out of (.*)$/, '$1 in $2')
    .replace(/^let go of (.*): .*$/, '$1, held by the server')
    .replace(/^(?:delete|remove|release|stop|undefine) /, '');
  if (phase === 'stop') return { place, what: `${what}, running` };
  return { place, what: phase === 'undefine' ? `${what}, its definition` : what };
}
