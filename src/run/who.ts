import { hostname, userInfo } from 'node:os';

/** Who does what is written down: this process, where it runs, and for whom. */
export function whoAmI(): { readonly user: string; readonly host: string; readonly pid: number } {
  return { user: userName(), host: hostname(), pid: process.pid };
}

/** In a container that runs as any uid, passwd may have no entry of it, and then there is no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
