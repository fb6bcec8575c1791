/** A simulated cloud at the other end of the five wires. */
import type { Wires } from '../site/wires.ts';
import { react } from './agents/react.ts';
import { connectBus } from './bus.ts';
import { openSimulatedCache } from './cache.ts';
import { openSimulatedHost } from './hosts/transport.ts';
import { openSimulatedHttp } from './http/client.ts';
import { connectSql } from './sql.ts';
import { openWholeWorld, type World } from './world.ts';

export interface SimulatedWires extends Wires {
  readonly world: World;
  close(): void;
}

/** @throws Error when there is no whole world in the folder */
export function openWires(folder: string): SimulatedWires {
  const world = openWholeWorld(folder);
  const onReact = () => react(world);
  return {
    world,
    http: () => openSimulatedHttp(world, onReact),
    sql: (place, url, readOnly, session) => connectSql(world, place, url, readOnly, onReact, session),
    command: (host) => openSimulatedHost(world, host, onReact),
    queue: (place, url) => connectBus(world, place, url, onReact),
    cache: openSimulatedCache(world, onReact),
    close: () => world.close(),
  };
}
