/** `iscsiadm` of open-iscsi 2.1: sessions and records of nodes, as far as expunge looks at them and ends them. */
import type { CommandAnswer } from '../../site/reader.ts';
import type { World } from '../world.ts';
import { fails, says, untaught } from './answer.ts';
import { logOut, type Session, sessionsOf } from './disks.ts';

interface Node {
  readonly portal: string;
  readonly iqn: string;
  readonly startup: string;
}

/** os-brick makes records without asking the target for its portal group, and iscsiadm writes none so. */
const NO_GROUP = 4_294_967_295;

const NO_RECORDS = 'iscsiadm: No records found';

/** @throws LookError for words that are not modelled */
export function runIscsiadm(world: World, host: string, args: readonly string[]): CommandAnswer {
  const words = args.join(' ');
  if (words === '-m session') return listSessions(sessionsOf(world, host));
  if (words === '-m node') return listNodes(nodesOf(world, host));
  const sid = /^-m session -r (\d+) --logout$/.exec(words)?.[1];
  if (sid !== undefined) return endSession(world, host, Number(sid));
  const [m, node, t, iqn = '', p, portal = '', ...rest] = args;
  if (m !== '-m' || node !== 'node' || t !== '-T' || p !== '-p') throw untaught(host, ['iscsiadm', ...args]);
  const record = nodesOf(world, host).find((each) => each.iqn === iqn && each.portal === portal);
  switch (rest.join(' ')) {
    case '':
      return record === undefined ? fails(21, NO_RECORDS) : says(showRecord(record));
    case '--op update -n node.startup -v manual':
      return record === undefined ? fails(21, NO_RECORDS) : setManual(world, host, record);
    case '--op delete':
      return record === undefined ? fails(21, NO_RECORDS) : deleteRecord(world, host, record);
    case '--logout':
      return logOutNode(world, host, portal, iqn);
    default:
      throw untaught(host, ['iscsiadm', ...args]);
  }
}

function nodesOf(world: World, host: string): readonly Node[] {
  return world.machines
    .prepare('SELECT * FROM iscsi_nodes WHERE host = ? ORDER BY iqn, portal')
    .all(host)
    .map((row) => ({
      portal: String(row['portal']),
      iqn: String(row['iqn']),
      startup: String(row['startup']),
    }));
}

function listSessions(sessions: readonly Session[]): CommandAnswer {
  if (sessions.length === 0) return fails(21, 'iscsiadm: No active sessions.');
  return says(
    sessions.map(({ sid, portal, iqn }) => `tcp: [${sid}] ${portal},1 ${iqn} (non-flash)\n`).join(''),
  );
}

function listNodes(nodes: readonly Node[]): CommandAnswer {
  if (nodes.length === 0) return fails(21, NO_RECORDS);
  return says(nodes.map(({ portal, iqn }) => `${portal},${NO_GROUP} ${iqn}\n`).join(''));
}

/** The part of a record that tells what it is; iscsiadm hides the password of CHAP itself. */
function showRecord({ portal, iqn, startup }: Node): string {
  const [, address = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(portal) ?? [];
  return `# BEGIN RECORD 2.1.8
node.name = ${iqn}
node.tpgt = -1
node.startup = ${startup}
node.leading_login = No
iface.iscsi_ifacename = default
iface.transport_name = tcp
node.discovery_type = static
node.session.auth.authmethod = CHAP
node.session.auth.username = ********
node.session.auth.password = ********
node.conn[0].address = ${address}
node.conn[0].port = ${port}
node.conn[0].startup = manual
# END RECORD
`;
}

function setManual(world: World, host: string, { portal, iqn }: Node): CommandAnswer {
  world.machines
    .prepare("UPDATE iscsi_nodes SET startup = 'manual' WHERE host = ? AND portal = ? AND iqn = ?")
    .run(host, portal, iqn);
  return says('');
}

function deleteRecord(world: World, host: string, { portal, iqn }: Node): CommandAnswer {
  const at = describe(portal, iqn);
  if (sessionsOf(world, host).some((session) => session.portal === portal && session.iqn === iqn))
    return fails(
      15,
      `iscsiadm: This command will remove the record [iface: default, ${at}], but a session is using it. Logout session then rerun command to remove record.
iscsiadm: Could not execute operation on all records: session exists`,
    );
  world.machines
    .prepare('DELETE FROM iscsi_nodes WHERE host = ? AND portal = ? AND iqn = ?')
    .run(host, portal, iqn);
  return says('');
}

function endSession(world: World, host: string, sid: number): CommandAnswer {
  const session = sessionsOf(world, host).find((each) => each.sid === sid);
  if (session === undefined) return fails(21, `iscsiadm: could not get session info for session ${sid}`);
  return loggedOut(world, host, session);
}

function logOutNode(world: World, host: string, portal: string, iqn: string): CommandAnswer {
  const session = sessionsOf(world, host).find((each) => each.portal === portal && each.iqn === iqn);
  if (session === undefined) return fails(21, 'iscsiadm: No matching sessions found');
  return loggedOut(world, host, session);
}

function loggedOut(world: World, host: string, session: Session): CommandAnswer {
  const at = `[sid: ${session.sid}, ${describe(session.portal, session.iqn)}]`;
  logOut(world, host, session);
  return says(`Logging out of session ${at}\nLogout of ${at} successful.\n`);
}

function describe(portal: string, iqn: string): string {
  return `target: ${iqn}, portal: ${portal.replace(/:(\d+)$/, ',$1')}`;
}
