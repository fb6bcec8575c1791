import type { Recording } from '../src/simulator/recorded/types.ts';
import { waitFor } from './command.ts';
import { nodeName } from './node/paths.ts';
import { type Lab, openLab } from './paths.ts';
import { setPlugging } from './plugging.ts';
import { readFacts, type TableFacts } from './record/facts.ts';
import { listForbidden } from './record/places.ts';
import { play, readMoment, states } from './record/play.ts';
import { playVolume, volumeKinds } from './record/play-volume.ts';
import { findLeftovers, listTokens, recordCloud, recordHost, recordServer } from './record/recording.ts';
import { readSchema } from './record/schema.ts';
import { recordVolume } from './record/volume.ts';
import { readRecorded, renderRecording, writeRecorded } from './record/write.ts';
import { createServer, deleteServer } from './servers.ts';
import { query } from './sql.ts';
import { takeTurn } from './turn.ts';

const usage = `usage: node lab/record.ts [schema | base | volume NAME | --only NAME[,NAME …]]
Without a word: all but volumes. Schema: the tables. Base: the cloud and its host. Volume, ${volumeKinds.map(({ name }) => name).join(' or ')}: one
that is attached to a server; the lab must have storage, and for iscsi the second machine, enrolled. NAME: ${states.map(({ name }) => name).join(' ')}`;

function say(line: string): void {
  console.log(line);
}

async function main(words: readonly string[]): Promise<number> {
  const [first, second, ...more] = words;
  const only = first === '--only' ? second : undefined;
  const names = only?.split(',') ?? states.map(({ name }) => name);
  const chosen = states.filter(({ name }) => names.includes(name));
  const volume = first === 'volume' ? volumeKinds.find(({ name }) => name === second) : undefined;
  const known =
    first === undefined ||
    first === 'schema' ||
    first === 'base' ||
    volume !== undefined ||
    only !== undefined;
  if (
    !known ||
    chosen.length < names.length ||
    more.length > 0 ||
    (second !== undefined && only === undefined && volume === undefined)
  ) {
    console.error(usage);
    return 2;
  }
  const lab = openLab();
  if (first === undefined || first === 'schema')
    writeRecorded('schema.json', `${JSON.stringify(await readSchema(lab), null, 1)}\n`);
  if (first === 'schema') return 0;
  await takeTurn(lab);
  const facts = await readFacts(lab);
  if (volume !== undefined) {
    const recording = await playVolume(lab, volume, facts, (played) => recordVolume(played, facts));
    const left = [...listForbidden(lab), nodeName].filter((each) => JSON.stringify(recording).includes(each));
    if (left.length > 0) throw new Error(`${volume.name}.json is not written, it has ${left.join(', ')}`);
    writeRecorded(`volumes/${volume.name}.json`, renderRecording(recording));
    return 0;
  }
  await setPlugging(lab, 'hybrid');
  const stamp = Date.now().toString(36);
  // One server is there all the time, so that what comes with the first one on a host counts as the host's.
  const keeper = await createServer(lab, { name: `keeper-${stamp}`, prePort: false });
  try {
    const allowed =
      only === undefined
        ? listTokens(recordCloud(lab, await readMoment(lab, facts), facts).rows)
        : listTokens(readRecorded('cloud.json').rows);
    for (const [at, state] of first === 'base' ? [] : chosen.entries()) {
      say(`${state.name} …`);
      const { recording, besides } = await play(lab, state, facts, `victim-${stamp}-${at}`, (played) =>
        recordServer(lab, played, facts),
      );
      for (const line of besides) say(`  ${line.slice(0, 300)}`);
      write(lab, `servers/${state.name}.json`, recording, allowed);
    }
  } finally {
    await deleteServer(lab, keeper);
  }
  if (only === undefined) await recordBase(lab, facts);
  return 0;
}

/**
 * The cloud and its host as the last server leaves them: with what came with the first one and is shared by all, such as the
 * project in Placement, and with nothing in use.
 */
async function recordBase(lab: Lab, facts: readonly TableFacts[]): Promise<void> {
  await waitFor('nova-compute to count that nothing is in use', async () => {
    const [node] = await query(
      lab,
      'nova',
      'SELECT vcpus_used, running_vms FROM compute_nodes WHERE deleted = 0',
    );
    return node?.['vcpus_used'] === '0' && node['running_vms'] === '0';
  });
  const moment = await readMoment(lab, facts);
  const cloud = recordCloud(lab, moment, facts);
  const allowed = listTokens(cloud.rows);
  write(lab, 'cloud.json', cloud, allowed);
  write(lab, 'host.json', recordHost(lab, moment, facts), allowed);
}

/** Refuses to write what still tells of the lab. */
function write(lab: Lab, file: string, recording: Recording, allowed: ReadonlySet<string>): void {
  const left = findLeftovers(recording, allowed, listForbidden(lab));
  if (left.length > 0) throw new Error(`${file} is not written, it has ${left.join(', ')}`);
  writeRecorded(file, renderRecording(recording));
  const rows = Object.values(recording.rows).reduce((count, list) => count + list.length, 0);
  say(`  ${file}: ${rows} rows, ${recording.host.firewall.length} firewall lines`);
}

process.exitCode = await main(process.argv.slice(2));
