import { userInfo } from 'node:os';

/** In a container that runs as any uid, passwd may have no entry of it, and then there is no name. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
